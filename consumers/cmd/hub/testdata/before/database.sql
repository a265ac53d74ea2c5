SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA hub;
CREATE SCHEMA obs;
COMMENT ON SCHEMA obs IS 'One table per observed category. People read the views in schema public instead.';
CREATE FUNCTION hub.refresh_view(view regclass) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    populated boolean;
BEGIN
    SELECT c.relispopulated INTO populated
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN hub.installed_view i ON i.view_name = format('%I.%I', n.nspname, c.relname)
    WHERE c.oid = view AND c.relkind = 'm';
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not an installed materialized view', view USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Readers see the old content until the new one is there. There must be an
    -- old one for that.
    IF populated THEN
        EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %s', view);
    ELSE
        EXECUTE format('REFRESH MATERIALIZED VIEW %s', view);
    END IF;
END $$;
COMMENT ON FUNCTION hub.refresh_view(view regclass) IS 'Refreshes an installed materialized view on behalf of its owner.';
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE hub.dirty (
    id bigint NOT NULL,
    table_name text NOT NULL,
    marked_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE hub.dirty IS 'Tables that changed since the views on them were refreshed. Writers only insert, so they never wait for each other.';
ALTER TABLE hub.dirty ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME hub.dirty_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE hub.gap (
    id bigint NOT NULL,
    stream text NOT NULL,
    stream_created_at timestamp with time zone NOT NULL,
    shard text NOT NULL,
    after_sequence text NOT NULL,
    until_sequence text NOT NULL,
    reason text NOT NULL,
    detected_at timestamp with time zone DEFAULT now() NOT NULL,
    after_arrived_at timestamp with time zone
);
COMMENT ON TABLE hub.gap IS 'Stretches of shards that the stream trimmed before they were read. Replay the archive of those days.';
COMMENT ON COLUMN hub.gap.after_arrived_at IS 'When the stream stored the last record before the gap; null if none was applied.';
ALTER TABLE hub.gap ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME hub.gap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE hub.installed_view (
    view_name text NOT NULL,
    package_sha256 text NOT NULL,
    installed_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE hub.installed_view IS 'The views and materialized views of the installed package. They are dropped and made again when the package changes.';
COMMENT ON COLUMN hub.installed_view.view_name IS 'With its schema, quoted where SQL needs it.';
COMMENT ON COLUMN hub.installed_view.package_sha256 IS 'Hash of the files of the package, the same in every row.';
CREATE TABLE hub.reject (
    id bigint NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    category text DEFAULT ''::text NOT NULL,
    account_id text DEFAULT ''::text NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    slice text DEFAULT ''::text NOT NULL,
    run uuid,
    part integer,
    row_number integer,
    origin text DEFAULT ''::text NOT NULL,
    arrived_at timestamp with time zone,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    bytes bytea,
    CONSTRAINT reject_state_check CHECK ((state = ANY (ARRAY['open'::text, 'parked'::text])))
);
COMMENT ON TABLE hub.reject IS 'Rows, parts and records that could not be applied, with their reason and bytes.';
COMMENT ON COLUMN hub.reject.state IS 'open: refused. parked: good, but its category''s table did not fit; applied once it does.';
COMMENT ON COLUMN hub.reject.origin IS 'Where it was read: shard and sequence number, or archive key.';
COMMENT ON COLUMN hub.reject.bytes IS 'Null where the account had too many rejects to keep their bytes.';
ALTER TABLE hub.reject ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME hub.reject_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE hub.run (
    scope uuid NOT NULL,
    run uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    outcome text,
    error text DEFAULT ''::text NOT NULL,
    end_parts integer,
    end_rows bigint,
    parts integer DEFAULT 0 NOT NULL,
    last_part integer DEFAULT '-1'::integer NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    rejects bigint DEFAULT 0 NOT NULL,
    keys bigint DEFAULT 0 NOT NULL,
    keys_xor bigint DEFAULT 0 NOT NULL,
    new_rows bigint DEFAULT 0 NOT NULL,
    changed_rows bigint DEFAULT 0 NOT NULL,
    gone_rows bigint DEFAULT 0 NOT NULL,
    completed_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE hub.run IS 'What has arrived of each run, and what its end says.';
COMMENT ON COLUMN hub.run.outcome IS 'From the end record; null until it arrived.';
COMMENT ON COLUMN hub.run.last_part IS 'The highest number of a part that arrived.';
COMMENT ON COLUMN hub.run.rows IS 'Rows that arrived, rejected ones included. More than end_rows is doubled, fewer is lost.';
COMMENT ON COLUMN hub.run.keys IS 'Rows that took part, and keys_xor their fingerprint as in hub.scope.';
COMMENT ON COLUMN hub.run.completed_at IS 'When every part and the end had been applied and nothing was rejected.';
CREATE TABLE hub.run_part (
    scope uuid NOT NULL,
    run uuid NOT NULL,
    part integer NOT NULL,
    body_sha256 bytea NOT NULL,
    rows integer NOT NULL,
    row_keys uuid[]
);
ALTER TABLE ONLY hub.run_part ALTER COLUMN row_keys SET STORAGE EXTERNAL;
COMMENT ON TABLE hub.run_part IS 'The parts that took effect. A part takes effect only in the transaction that inserts it here.';
COMMENT ON COLUMN hub.run_part.row_keys IS 'Keys that the part named, until a run at least as new is complete.';
CREATE TABLE hub.scope (
    scope uuid NOT NULL,
    category text NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    slice text NOT NULL,
    complete_run uuid,
    live_rows bigint DEFAULT 0 NOT NULL,
    live_xor bigint DEFAULT 0 NOT NULL,
    pruned_run uuid
);
COMMENT ON TABLE hub.scope IS 'One row per (category, account, region, slice). Its row lock serialises the writers of the scope.';
COMMENT ON COLUMN hub.scope.complete_run IS 'The newest complete run.';
COMMENT ON COLUMN hub.scope.live_rows IS 'Rows of the scope that are not gone.';
COMMENT ON COLUMN hub.scope.live_xor IS 'Exclusive or of the last eight bytes of their keys: with live_rows, a fingerprint of the set.';
COMMENT ON COLUMN hub.scope.pruned_run IS 'The newest run that was pruned. Which keys it and older runs named is not known any more.';
CREATE TABLE hub.shard_progress (
    stream text NOT NULL,
    stream_created_at timestamp with time zone NOT NULL,
    shard text NOT NULL,
    sequence_number numeric DEFAULT '-1'::integer NOT NULL,
    ended boolean DEFAULT false NOT NULL,
    arrived_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE hub.shard_progress IS 'How far each shard has been applied; moved in the transaction that applies the records.';
COMMENT ON COLUMN hub.shard_progress.stream_created_at IS 'A stream that is deleted and made again numbers its records anew.';
COMMENT ON COLUMN hub.shard_progress.sequence_number IS 'Sequence number of the last applied record; -1 before the first.';
COMMENT ON COLUMN hub.shard_progress.arrived_at IS 'When the stream stored that record, by the stream''s clock.';
CREATE VIEW hub.view_dependency AS
 WITH RECURSIVE names AS MATERIALIZED (
         SELECT DISTINCT r.ev_class AS view,
            d.refobjid AS relation
           FROM (pg_rewrite r
             JOIN pg_depend d ON (((d.classid = ('pg_rewrite'::regclass)::oid) AND (d.objid = r.oid))))
          WHERE ((d.refclassid = ('pg_class'::regclass)::oid) AND (d.refobjid <> r.ev_class))
        ), reached AS (
         SELECT n.view,
            n.relation
           FROM (hub.installed_view i
             JOIN names n ON ((n.view = (to_regclass(i.view_name))::oid)))
        UNION
         SELECT r.view,
            n.relation
           FROM (reached r
             JOIN names n ON ((n.view = r.relation)))
        )
 SELECT reached.view,
    reached.relation
   FROM reached;
COMMENT ON VIEW hub.view_dependency IS 'Which tables and views each installed view depends on, directly or through other views, by oid.';
CREATE TABLE hub.view_refresh (
    view_name text NOT NULL,
    refreshed_at timestamp with time zone,
    duration_ms bigint,
    refreshes bigint DEFAULT 0 NOT NULL,
    error text,
    error_at timestamp with time zone
);
COMMENT ON TABLE hub.view_refresh IS 'The last refresh of each materialized view, and the last error since then.';
CREATE TABLE obs.certificates (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    certificate_arn text NOT NULL,
    domain_name text,
    status text,
    certificate_type text,
    key_algorithm text,
    key_pair_origin text,
    managed_by text,
    in_use boolean,
    subject_alternative_names jsonb,
    has_additional_names boolean,
    key_usages jsonb,
    extended_key_usages jsonb,
    renewal_eligibility text,
    export_option text,
    exported boolean,
    requested_at timestamp with time zone,
    issued_at timestamp with time zone,
    imported_at timestamp with time zone,
    not_before timestamp with time zone,
    not_after timestamp with time zone,
    revoked_at timestamp with time zone
);
COMMENT ON TABLE obs.certificates IS 'Certificate is one certificate in AWS Certificate Manager (ACM), as seen in one account and region: issued by Amazon, issued by a private CA or imported, with any key algorithm. Columns come from ListCertificates (CertificateSummary).';
COMMENT ON COLUMN obs.certificates.row_key IS 'Hash of category, account, region and the key columns.';
COMMENT ON COLUMN obs.certificates.row_hash IS 'Hash of the data columns: equal content, equal hash.';
COMMENT ON COLUMN obs.certificates.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN obs.certificates.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN obs.certificates.run_id IS 'Name of the run that last changed the row.';
COMMENT ON COLUMN obs.certificates.collected_at IS 'Start of the run that last changed the row.';
COMMENT ON COLUMN obs.certificates.deleted_at IS 'Start of the complete run that no longer named the row. Null: the row is not gone.';
COMMENT ON COLUMN obs.certificates.certificate_arn IS 'ARN of the certificate (CertificateArn).';
COMMENT ON COLUMN obs.certificates.domain_name IS 'Primary domain name, such as www.example.com (DomainName). Null for a certificate without one.';
COMMENT ON COLUMN obs.certificates.status IS 'Status as ACM reports it: PENDING_VALIDATION, ISSUED, INACTIVE, EXPIRED, VALIDATION_TIMED_OUT, REVOKED or FAILED (Status).';
COMMENT ON COLUMN obs.certificates.certificate_type IS 'Source of the certificate: AMAZON_ISSUED, PRIVATE or IMPORTED (Type). Only certificates issued by Amazon or a private CA are renewed by ACM.';
COMMENT ON COLUMN obs.certificates.key_algorithm IS 'Algorithm of the key pair, such as RSA_2048 or EC_prime256v1 (KeyAlgorithm).';
COMMENT ON COLUMN obs.certificates.key_pair_origin IS 'Who made the key pair: AWS_MANAGED, CUSTOMER_PROVIDED or another origin that ACM reports (CertificateKeyPairOrigin).';
COMMENT ON COLUMN obs.certificates.managed_by IS 'AWS service that manages the certificate, such as CLOUDFRONT (ManagedBy). Null: no service does.';
COMMENT ON COLUMN obs.certificates.in_use IS 'Whether an AWS resource uses the certificate now (InUse).';
COMMENT ON COLUMN obs.certificates.subject_alternative_names IS 'JSON array of the first 100 names that the certificate covers, the primary one included (SubjectAlternativeNameSummaries).';
COMMENT ON COLUMN obs.certificates.has_additional_names IS 'Whether the certificate covers more names than subject_alternative_names lists (HasAdditionalSubjectAlternativeNames).';
COMMENT ON COLUMN obs.certificates.key_usages IS 'JSON array of X.509 key usages, such as DIGITAL_SIGNATURE (KeyUsages).';
COMMENT ON COLUMN obs.certificates.extended_key_usages IS 'JSON array of X.509 extended key usages, such as TLS_WEB_SERVER_AUTHENTICATION (ExtendedKeyUsages).';
COMMENT ON COLUMN obs.certificates.renewal_eligibility IS 'Whether ACM can renew the certificate: ELIGIBLE or INELIGIBLE (RenewalEligibility).';
COMMENT ON COLUMN obs.certificates.export_option IS 'Whether the certificate may be exported: ENABLED or DISABLED (ExportOption).';
COMMENT ON COLUMN obs.certificates.exported IS 'Whether the certificate has been exported (Exported).';
COMMENT ON COLUMN obs.certificates.requested_at IS 'When the certificate was requested (CreatedAt). Null for imported certificates.';
COMMENT ON COLUMN obs.certificates.issued_at IS 'When Amazon issued the certificate (IssuedAt). Null unless certificate_type is AMAZON_ISSUED and it was issued.';
COMMENT ON COLUMN obs.certificates.imported_at IS 'When the certificate was imported (ImportedAt). Null unless certificate_type is IMPORTED.';
COMMENT ON COLUMN obs.certificates.not_before IS 'Start of the certificate''s validity (NotBefore). Null until it is issued.';
COMMENT ON COLUMN obs.certificates.not_after IS 'End of the certificate''s validity (NotAfter). Null until it is issued.';
COMMENT ON COLUMN obs.certificates.revoked_at IS 'When the certificate was revoked (RevokedAt). Null unless status is REVOKED.';
CREATE TABLE obs.ec2_instances (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    instance_id text NOT NULL,
    name text,
    state text,
    state_transition_reason text,
    instance_type text,
    lifecycle text,
    image_id text,
    architecture text,
    platform_details text,
    availability_zone text,
    tenancy text,
    launched_at timestamp with time zone,
    vpc_id text,
    subnet_id text,
    private_ip_address text,
    public_ip_address text,
    ipv6_address text,
    private_dns_name text,
    public_dns_name text,
    security_groups jsonb,
    instance_profile_arn text,
    key_name text,
    metadata_http_tokens text,
    metadata_http_endpoint text,
    monitoring_state text,
    ebs_optimized boolean,
    root_device_type text,
    volumes jsonb,
    reservation_id text,
    requester_id text,
    tags jsonb
);
COMMENT ON TABLE obs.ec2_instances IS 'EC2Instance is one EC2 instance as seen in one account and region, in any state; a terminated instance stays visible for about an hour. Columns come from DescribeInstances (Reservation and Instance).';
COMMENT ON COLUMN obs.ec2_instances.row_key IS 'Hash of category, account, region and the key columns.';
COMMENT ON COLUMN obs.ec2_instances.row_hash IS 'Hash of the data columns: equal content, equal hash.';
COMMENT ON COLUMN obs.ec2_instances.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN obs.ec2_instances.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN obs.ec2_instances.run_id IS 'Name of the run that last changed the row.';
COMMENT ON COLUMN obs.ec2_instances.collected_at IS 'Start of the run that last changed the row.';
COMMENT ON COLUMN obs.ec2_instances.deleted_at IS 'Start of the complete run that no longer named the row. Null: the row is not gone.';
COMMENT ON COLUMN obs.ec2_instances.instance_id IS 'Identifier of the instance (InstanceId).';
COMMENT ON COLUMN obs.ec2_instances.name IS 'Value of the tag Name (Tags), as in tags. Null: there is no such tag.';
COMMENT ON COLUMN obs.ec2_instances.state IS 'State: pending, running, shutting-down, terminated, stopping or stopped (State.Name).';
COMMENT ON COLUMN obs.ec2_instances.state_transition_reason IS 'Reason of the last change of state (StateTransitionReason). Null: AWS gives none.';
COMMENT ON COLUMN obs.ec2_instances.instance_type IS 'Instance type, such as m7g.large (InstanceType).';
COMMENT ON COLUMN obs.ec2_instances.lifecycle IS 'How the instance was bought: spot, scheduled, capacity-block or interruptible-capacity-reservation (InstanceLifecycle). Null: on demand.';
COMMENT ON COLUMN obs.ec2_instances.image_id IS 'Machine image that the instance was launched from (ImageId).';
COMMENT ON COLUMN obs.ec2_instances.architecture IS 'Processor architecture, such as arm64 (Architecture).';
COMMENT ON COLUMN obs.ec2_instances.platform_details IS 'Operating system as it is billed, such as Linux/UNIX or Windows (PlatformDetails).';
COMMENT ON COLUMN obs.ec2_instances.availability_zone IS 'Availability zone (Placement.AvailabilityZone).';
COMMENT ON COLUMN obs.ec2_instances.tenancy IS 'Tenancy: default, dedicated or host (Placement.Tenancy).';
COMMENT ON COLUMN obs.ec2_instances.launched_at IS 'When the instance was last launched or started (LaunchTime).';
COMMENT ON COLUMN obs.ec2_instances.vpc_id IS 'VPC of the instance (VpcId). Null once it is terminated.';
COMMENT ON COLUMN obs.ec2_instances.subnet_id IS 'Subnet of the instance (SubnetId). Null once it is terminated.';
COMMENT ON COLUMN obs.ec2_instances.private_ip_address IS 'Private IPv4 address (PrivateIpAddress). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.public_ip_address IS 'Public IPv4 address (PublicIpAddress). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.ipv6_address IS 'IPv6 address (Ipv6Address). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.private_dns_name IS 'Private DNS name (PrivateDnsName). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.public_dns_name IS 'Public DNS name (PublicDnsName). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.security_groups IS 'JSON array of security groups: GroupId and GroupName (SecurityGroups).';
COMMENT ON COLUMN obs.ec2_instances.instance_profile_arn IS 'ARN of the instance profile, which gives the instance its role (IamInstanceProfile.Arn). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.key_name IS 'Name of the SSH key pair (KeyName). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.metadata_http_tokens IS 'Whether the metadata service requires session tokens (IMDSv2): required or optional (MetadataOptions.HttpTokens).';
COMMENT ON COLUMN obs.ec2_instances.metadata_http_endpoint IS 'Whether the metadata service can be reached: enabled or disabled (MetadataOptions.HttpEndpoint).';
COMMENT ON COLUMN obs.ec2_instances.monitoring_state IS 'Detailed monitoring: enabled, disabled, pending or disabling (Monitoring.State).';
COMMENT ON COLUMN obs.ec2_instances.ebs_optimized IS 'Whether the instance is optimized for EBS (EbsOptimized).';
COMMENT ON COLUMN obs.ec2_instances.root_device_type IS 'Type of the root device: ebs or instance-store (RootDeviceType).';
COMMENT ON COLUMN obs.ec2_instances.volumes IS 'JSON array of attached EBS volumes: DeviceName, VolumeId and DeleteOnTermination (BlockDeviceMappings). Null: none.';
COMMENT ON COLUMN obs.ec2_instances.reservation_id IS 'Launch request that the instance belongs to (Reservation.ReservationId).';
COMMENT ON COLUMN obs.ec2_instances.requester_id IS 'AWS service or account that launched the instance for the owner, such as an Auto Scaling group''s (Reservation.RequesterId). Null: the owner did.';
COMMENT ON COLUMN obs.ec2_instances.tags IS 'JSON object of the tags of the instance (Tags). Null: it has none. A value that may be a secret is [redacted] by the spoke.';
CREATE TABLE obs.kms_keys (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    key_arn text NOT NULL,
    key_id text NOT NULL,
    aliases jsonb,
    description text,
    key_manager text,
    key_state text,
    enabled boolean,
    key_spec text,
    key_usage text,
    origin text,
    custom_key_store_id text,
    multi_region boolean,
    multi_region_key_type text,
    primary_key_arn text,
    replica_key_arns jsonb,
    key_created_at timestamp with time zone,
    deletion_at timestamp with time zone,
    pending_deletion_window_days bigint,
    expiration_model text,
    material_expires_at timestamp with time zone,
    rotation_enabled boolean,
    rotation_period_days bigint,
    next_rotation_at timestamp with time zone,
    on_demand_rotation_started_at timestamp with time zone,
    tags jsonb,
    denied_actions jsonb
);
COMMENT ON TABLE obs.kms_keys IS 'KMSKey is one KMS key as seen in one account and region, customer managed or AWS managed. The list comes from ListKeys; what is known about a key comes from DescribeKey, GetKeyRotationStatus, ListAliases and ListResourceTags, each of which the key''s policy may deny on its own: denied_actions then names the action, and the columns that it would have filled are null. Of a key whose description is denied, only ARN, id and aliases are known.';
COMMENT ON COLUMN obs.kms_keys.row_key IS 'Hash of category, account, region and the key columns.';
COMMENT ON COLUMN obs.kms_keys.row_hash IS 'Hash of the data columns: equal content, equal hash.';
COMMENT ON COLUMN obs.kms_keys.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN obs.kms_keys.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN obs.kms_keys.run_id IS 'Name of the run that last changed the row.';
COMMENT ON COLUMN obs.kms_keys.collected_at IS 'Start of the run that last changed the row.';
COMMENT ON COLUMN obs.kms_keys.deleted_at IS 'Start of the complete run that no longer named the row. Null: the row is not gone.';
COMMENT ON COLUMN obs.kms_keys.key_arn IS 'ARN of the key (KeyArn).';
COMMENT ON COLUMN obs.kms_keys.key_id IS 'Identifier of the key (KeyId). Multi-Region keys (mrk-…) have the same one in every region.';
COMMENT ON COLUMN obs.kms_keys.aliases IS 'JSON array of the alias names of the key, such as alias/aws/s3 (ListAliases, AliasName). An empty array: it has none. Null: ListAliases was denied.';
COMMENT ON COLUMN obs.kms_keys.description IS 'Description that the owner gave the key (Description).';
COMMENT ON COLUMN obs.kms_keys.key_manager IS 'Who manages the key: CUSTOMER or AWS (KeyManager).';
COMMENT ON COLUMN obs.kms_keys.key_state IS 'State of the key: Enabled, Disabled, PendingDeletion, PendingImport and so on (KeyState).';
COMMENT ON COLUMN obs.kms_keys.enabled IS 'Whether the key can be used now: key_state is Enabled (Enabled).';
COMMENT ON COLUMN obs.kms_keys.key_spec IS 'Type of key material, such as SYMMETRIC_DEFAULT or RSA_2048 (KeySpec).';
COMMENT ON COLUMN obs.kms_keys.key_usage IS 'What the key may be used for: ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC and so on (KeyUsage).';
COMMENT ON COLUMN obs.kms_keys.origin IS 'Source of the key material: AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE (Origin).';
COMMENT ON COLUMN obs.kms_keys.custom_key_store_id IS 'Custom key store that holds the key (CustomKeyStoreId). Null: none does.';
COMMENT ON COLUMN obs.kms_keys.multi_region IS 'Whether this is a multi-Region key (MultiRegion).';
COMMENT ON COLUMN obs.kms_keys.multi_region_key_type IS 'Role of a multi-Region key: PRIMARY or REPLICA (MultiRegionConfiguration). Null for other keys.';
COMMENT ON COLUMN obs.kms_keys.primary_key_arn IS 'ARN of the primary key of a multi-Region key (MultiRegionConfiguration). Null for other keys.';
COMMENT ON COLUMN obs.kms_keys.replica_key_arns IS 'JSON array of the ARNs of the replicas of a multi-Region key (MultiRegionConfiguration). Null for other keys.';
COMMENT ON COLUMN obs.kms_keys.key_created_at IS 'When the key was created (CreationDate).';
COMMENT ON COLUMN obs.kms_keys.deletion_at IS 'After when KMS deletes the key (DeletionDate). Null unless key_state is PendingDeletion.';
COMMENT ON COLUMN obs.kms_keys.pending_deletion_window_days IS 'Waiting period in days before a multi-Region primary key is deleted, once its replicas are gone (PendingDeletionWindowInDays). Null for other keys.';
COMMENT ON COLUMN obs.kms_keys.expiration_model IS 'Whether imported key material expires: KEY_MATERIAL_EXPIRES or KEY_MATERIAL_DOES_NOT_EXPIRE (ExpirationModel). Null unless origin is EXTERNAL.';
COMMENT ON COLUMN obs.kms_keys.material_expires_at IS 'When the imported key material expires (ValidTo). Null: it does not.';
COMMENT ON COLUMN obs.kms_keys.rotation_enabled IS 'Whether KMS rotates the key material on schedule (GetKeyRotationStatus, KeyRotationEnabled). Always true for AWS managed keys; always false for imported material (origin EXTERNAL), which cannot be rotated on schedule, and while the key waits for its deletion; of a multi-Region key, the primary is asked to change it. Null: the key cannot be rotated (asymmetric, HMAC, custom key store), its state does not tell, or the question was denied, which denied_actions says.';
COMMENT ON COLUMN obs.kms_keys.rotation_period_days IS 'Days between two rotations (RotationPeriodInDays). Null unless KMS reports one.';
COMMENT ON COLUMN obs.kms_keys.next_rotation_at IS 'When KMS rotates the key material next (NextRotationDate). Null unless KMS reports it.';
COMMENT ON COLUMN obs.kms_keys.on_demand_rotation_started_at IS 'Start of an on-demand rotation that is in progress (OnDemandRotationStartDate). Null: none is.';
COMMENT ON COLUMN obs.kms_keys.tags IS 'JSON object of the tags of a customer managed key (ListResourceTags). An empty object: it has none. Null: AWS managed, or denied. A value that may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN obs.kms_keys.denied_actions IS 'JSON array of the IAM actions that were denied for this key, such as kms:GetKeyRotationStatus. Null: none was.';
CREATE TABLE obs.secrets (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    secret_arn text NOT NULL,
    name text NOT NULL,
    description text,
    kms_key_id text,
    owning_service text,
    external_type text,
    primary_region text,
    rotation_enabled boolean,
    rotation_lambda_arn text,
    rotation_interval_days bigint,
    rotation_schedule text,
    rotation_window text,
    last_rotated_at timestamp with time zone,
    next_rotation_at timestamp with time zone,
    last_changed_at timestamp with time zone,
    last_accessed_at timestamp with time zone,
    secret_created_at timestamp with time zone,
    deletion_requested_at timestamp with time zone,
    version_stages jsonb,
    tags jsonb
);
COMMENT ON TABLE obs.secrets IS 'Secret is the name and the rotation state of one secret in AWS Secrets Manager, as seen in one account and region, secrets that wait for their deletion included. Values of secrets are never read. Columns come from ListSecrets (SecretListEntry).';
COMMENT ON COLUMN obs.secrets.row_key IS 'Hash of category, account, region and the key columns.';
COMMENT ON COLUMN obs.secrets.row_hash IS 'Hash of the data columns: equal content, equal hash.';
COMMENT ON COLUMN obs.secrets.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN obs.secrets.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN obs.secrets.run_id IS 'Name of the run that last changed the row.';
COMMENT ON COLUMN obs.secrets.collected_at IS 'Start of the run that last changed the row.';
COMMENT ON COLUMN obs.secrets.deleted_at IS 'Start of the complete run that no longer named the row. Null: the row is not gone.';
COMMENT ON COLUMN obs.secrets.secret_arn IS 'ARN of the secret (ARN).';
COMMENT ON COLUMN obs.secrets.name IS 'Name of the secret (Name).';
COMMENT ON COLUMN obs.secrets.description IS 'Description that the owner gave the secret (Description).';
COMMENT ON COLUMN obs.secrets.kms_key_id IS 'KMS key that encrypts the secret: an ARN, id or alias (KmsKeyId). Null: the AWS managed key aws/secretsmanager.';
COMMENT ON COLUMN obs.secrets.owning_service IS 'AWS service that created the secret, such as rds (OwningService). Null: none did.';
COMMENT ON COLUMN obs.secrets.external_type IS 'Partner that holds a managed external secret (Type). Null for other secrets.';
COMMENT ON COLUMN obs.secrets.primary_region IS 'Region that a replicated secret comes from (PrimaryRegion). Null: the secret is not replicated.';
COMMENT ON COLUMN obs.secrets.rotation_enabled IS 'Whether the secret is rotated on schedule (RotationEnabled). Null: rotation was never set up.';
COMMENT ON COLUMN obs.secrets.rotation_lambda_arn IS 'Lambda function that rotates the secret (RotationLambdaARN). Null: none, or rotation is managed by the owning service.';
COMMENT ON COLUMN obs.secrets.rotation_interval_days IS 'Days between two rotations (RotationRules.AutomaticallyAfterDays), also where a schedule is set: in ListSecrets "this value is calculated from the rotation schedule after every successful rotation". Null: AWS reports none.';
COMMENT ON COLUMN obs.secrets.rotation_schedule IS 'Schedule of the rotation: a cron() or rate() expression (RotationRules.ScheduleExpression). Null: none.';
COMMENT ON COLUMN obs.secrets.rotation_window IS 'Length of the rotation window, such as 3h (RotationRules.Duration). Null: not set.';
COMMENT ON COLUMN obs.secrets.last_rotated_at IS 'When the secret was rotated last (LastRotatedDate). Null: never.';
COMMENT ON COLUMN obs.secrets.next_rotation_at IS 'Before when the secret is rotated next (NextRotationDate). Null: no rotation is planned.';
COMMENT ON COLUMN obs.secrets.last_changed_at IS 'When the secret was changed last, in any way (LastChangedDate).';
COMMENT ON COLUMN obs.secrets.last_accessed_at IS 'Day on which the secret was read last in this region, as midnight UTC (LastAccessedDate). Null: never.';
COMMENT ON COLUMN obs.secrets.secret_created_at IS 'When the secret was created (CreatedDate).';
COMMENT ON COLUMN obs.secrets.deletion_requested_at IS 'When the deletion of the secret was requested (DeletedDate). Null: the secret is active.';
COMMENT ON COLUMN obs.secrets.version_stages IS 'JSON object of the versions of the secret: version id to array of staging labels (SecretVersionsToStages). It holds no values.';
COMMENT ON COLUMN obs.secrets.tags IS 'JSON object of the tags of the secret (Tags). Null: it has none. A value that may be a secret is [redacted] by the spoke.';
CREATE TABLE obs.security_findings (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    finding_id text NOT NULL,
    product_arn text NOT NULL,
    product_name text,
    company_name text,
    generator_id text NOT NULL,
    finding_account_id text NOT NULL,
    finding_region text,
    title text NOT NULL,
    description text,
    finding_types jsonb,
    severity_label text,
    severity_normalized bigint,
    severity_original text,
    workflow_status text,
    record_state text,
    compliance_status text,
    security_control_id text,
    associated_standards jsonb,
    resource_type text,
    resource_id text,
    resource_count bigint NOT NULL,
    resources jsonb,
    vulnerabilities jsonb,
    product_fields jsonb,
    remediation_text text,
    remediation_url text,
    first_observed_at timestamp with time zone,
    last_observed_at timestamp with time zone,
    finding_created_at timestamp with time zone,
    finding_updated_at timestamp with time zone,
    sample boolean,
    compliance_reasons jsonb,
    finding_account_name text
)
WITH (fillfactor='90', autovacuum_vacuum_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');
COMMENT ON TABLE obs.security_findings IS 'SecurityFinding is one finding in AWS Security Hub CSPM, of any product, severity and state, archived ones included. Columns come from GetFindings (the AWS Security Finding Format, ASFF).
An administrator account also sees the findings of its member accounts, and an aggregation region those of its linked regions. The system columns account_id and region say where the finding was read; finding_account_id and finding_region say where it belongs. The same finding may therefore be read in several places: count distinct (product_arn, finding_id).
Security Hub deletes findings that were not updated for 90 days, archived ones after 30. Their rows stay as they were last seen. Every run moves collected_at of the findings that it names, and once a day a run names all: the view findings_horizon says from which collected_at on a finding still exists.';
COMMENT ON COLUMN obs.security_findings.row_key IS 'Hash of category, account, region and the key columns.';
COMMENT ON COLUMN obs.security_findings.row_hash IS 'Hash of the data columns: equal content, equal hash.';
COMMENT ON COLUMN obs.security_findings.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN obs.security_findings.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN obs.security_findings.run_id IS 'Name of the run that last named the row.';
COMMENT ON COLUMN obs.security_findings.collected_at IS 'Start of the run that last named the row.';
COMMENT ON COLUMN obs.security_findings.deleted_at IS 'Start of the complete run that no longer named the row. Null: the row is not gone.';
COMMENT ON COLUMN obs.security_findings.finding_id IS 'Identifier that the product gave the finding, at most 512 characters (Id). Unique together with product_arn.';
COMMENT ON COLUMN obs.security_findings.product_arn IS 'ARN of the product that made the finding (ProductArn).';
COMMENT ON COLUMN obs.security_findings.product_name IS 'Name of the product, such as Security Hub, GuardDuty or Inspector (ProductName).';
COMMENT ON COLUMN obs.security_findings.company_name IS 'Company that makes the product (CompanyName).';
COMMENT ON COLUMN obs.security_findings.generator_id IS 'Rule, check or detector of the product that made the finding (GeneratorId).';
COMMENT ON COLUMN obs.security_findings.finding_account_id IS 'Account that the finding is about; a member account where account_id is its administrator (AwsAccountId).';
COMMENT ON COLUMN obs.security_findings.finding_region IS 'Region that the finding is about; another one than region where findings are aggregated (Region).';
COMMENT ON COLUMN obs.security_findings.title IS 'Title of the finding (Title).';
COMMENT ON COLUMN obs.security_findings.description IS 'Description of the finding (Description).';
COMMENT ON COLUMN obs.security_findings.finding_types IS 'JSON array of finding types, namespace/category/classifier (Types).';
COMMENT ON COLUMN obs.security_findings.severity_label IS 'Severity: INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL (Severity.Label).';
COMMENT ON COLUMN obs.security_findings.severity_normalized IS 'Severity from 0 to 100 (Severity.Normalized).';
COMMENT ON COLUMN obs.security_findings.severity_original IS 'Severity in the product''s own words (Severity.Original).';
COMMENT ON COLUMN obs.security_findings.workflow_status IS 'Status of the investigation: NEW, NOTIFIED, RESOLVED or SUPPRESSED (Workflow.Status).';
COMMENT ON COLUMN obs.security_findings.record_state IS 'State of the record: ACTIVE or ARCHIVED (RecordState).';
COMMENT ON COLUMN obs.security_findings.compliance_status IS 'Result of a control''s check: PASSED, WARNING, FAILED or NOT_AVAILABLE (Compliance.Status). Null: the finding comes from no control.';
COMMENT ON COLUMN obs.security_findings.security_control_id IS 'Control that was checked, across standards, such as S3.5 (Compliance.SecurityControlId). Null: the finding comes from no control.';
COMMENT ON COLUMN obs.security_findings.associated_standards IS 'JSON array of the enabled standards that the control belongs to, such as standards/aws-foundational-security-best-practices/v/1.0.0 (Compliance.AssociatedStandards, StandardsId).';
COMMENT ON COLUMN obs.security_findings.resource_type IS 'Type of the first resource, such as AwsS3Bucket (Resources[0].Type). Null: the finding names no resource.';
COMMENT ON COLUMN obs.security_findings.resource_id IS 'Identifier of the first resource, mostly its ARN (Resources[0].Id). Null: the finding names no resource.';
COMMENT ON COLUMN obs.security_findings.resource_count IS 'Number of resources that the finding names, at most 32 (Resources).';
COMMENT ON COLUMN obs.security_findings.resources IS 'JSON array of all resources: Id, Type, Partition, Region, ResourceRole, ApplicationArn, ApplicationName and Tags (Resources). Their Details are left out: they repeat the configuration of the resource and can hold environment variables. A tag whose value may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN obs.security_findings.vulnerabilities IS 'JSON array of vulnerabilities: identifier, packages, scores and fixes (Vulnerabilities). Null: the finding names none.';
COMMENT ON COLUMN obs.security_findings.product_fields IS 'JSON object of what the product adds to the format (ProductFields). A value that may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN obs.security_findings.remediation_text IS 'What to do about the finding (Remediation.Recommendation.Text).';
COMMENT ON COLUMN obs.security_findings.remediation_url IS 'Page that explains what to do (Remediation.Recommendation.Url).';
COMMENT ON COLUMN obs.security_findings.first_observed_at IS 'When the product first observed the issue (FirstObservedAt).';
COMMENT ON COLUMN obs.security_findings.last_observed_at IS 'When the product last observed a change of the resource (LastObservedAt).';
COMMENT ON COLUMN obs.security_findings.finding_created_at IS 'When the product created the finding (CreatedAt).';
COMMENT ON COLUMN obs.security_findings.finding_updated_at IS 'When the product last updated the finding; a change of workflow_status does not move it (UpdatedAt).';
COMMENT ON COLUMN obs.security_findings.sample IS 'Whether the finding is a sample, made to look at (Sample). Null: AWS does not say, and it is none. Views and queries of open findings leave samples out.';
COMMENT ON COLUMN obs.security_findings.compliance_reasons IS 'JSON array of reasons for compliance_status: ReasonCode and Description (Compliance.StatusReasons). Null: none are given.';
COMMENT ON COLUMN obs.security_findings.finding_account_name IS 'Name of the account that the finding is about (AwsAccountName). Null: AWS does not say.';
CREATE TABLE obs.service_costs (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    usage_date date NOT NULL,
    service text NOT NULL,
    usage_region text NOT NULL,
    unblended_cost numeric(38,10) NOT NULL,
    net_unblended_cost numeric(38,10),
    amortized_cost numeric(38,10),
    net_amortized_cost numeric(38,10),
    blended_cost numeric(38,10),
    currency text,
    usage_quantity numeric(38,10),
    usage_unit text,
    normalized_usage numeric(38,10),
    estimated boolean NOT NULL,
    CONSTRAINT service_costs_finite CHECK ((NOT ((((((('NaN'::numeric = unblended_cost) OR ('NaN'::numeric = net_unblended_cost)) OR ('NaN'::numeric = amortized_cost)) OR ('NaN'::numeric = net_amortized_cost)) OR ('NaN'::numeric = blended_cost)) OR ('NaN'::numeric = usage_quantity)) OR ('NaN'::numeric = normalized_usage))))
)
WITH (fillfactor='90', autovacuum_vacuum_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');
COMMENT ON TABLE obs.service_costs IS 'ServiceCost is what one account used of one AWS service in one region on one day. Columns come from Cost Explorer, GetCostAndUsage by DAY, grouped by SERVICE and REGION and limited to the account itself, so that the costs of member accounts are not counted again in their organization''s management account. All record types are included: usage, tax, refunds, credits.
A day is complete about 24 hours after its end and AWS restates it until the month is invoiced. Each run therefore replaces every day from the first of the previous month to yesterday, 28 to 61 days, lines that disappeared included; what AWS changes later is not seen. Amounts are exact to 10 decimals: a day with a cost that is not is incomplete, and that line is not replaced.';
COMMENT ON COLUMN obs.service_costs.row_key IS 'Hash of category, account, region and the key columns.';
COMMENT ON COLUMN obs.service_costs.row_hash IS 'Hash of the data columns: equal content, equal hash.';
COMMENT ON COLUMN obs.service_costs.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN obs.service_costs.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN obs.service_costs.run_id IS 'Name of the run that last changed the row.';
COMMENT ON COLUMN obs.service_costs.collected_at IS 'Start of the run that last changed the row.';
COMMENT ON COLUMN obs.service_costs.deleted_at IS 'Start of the complete run that no longer named the row. Null: the row is not gone.';
COMMENT ON COLUMN obs.service_costs.usage_date IS 'Day of the usage in UTC (TimePeriod.Start).';
COMMENT ON COLUMN obs.service_costs.service IS 'Service, by its name in Cost Explorer, such as Amazon Simple Storage Service (group key SERVICE).';
COMMENT ON COLUMN obs.service_costs.usage_region IS 'Region of the usage; global and NoRegion as Cost Explorer writes them (group key REGION).';
COMMENT ON COLUMN obs.service_costs.unblended_cost IS 'Cost as it is charged on the day of the usage (UnblendedCost).';
COMMENT ON COLUMN obs.service_costs.net_unblended_cost IS 'Unblended cost after discounts that AWS agreed on (NetUnblendedCost). Null: AWS does not report it.';
COMMENT ON COLUMN obs.service_costs.amortized_cost IS 'Cost with upfront and recurring fees of reservations and Savings Plans spread over their term (AmortizedCost).';
COMMENT ON COLUMN obs.service_costs.net_amortized_cost IS 'Amortized cost after discounts that AWS agreed on (NetAmortizedCost). Null: AWS does not report it.';
COMMENT ON COLUMN obs.service_costs.blended_cost IS 'Cost at the average rate of the organization (BlendedCost).';
COMMENT ON COLUMN obs.service_costs.currency IS 'Currency of the costs, such as USD (Unit of UnblendedCost).';
COMMENT ON COLUMN obs.service_costs.usage_quantity IS 'Sum of the usage (UsageQuantity). It means something only for services with one unit: AWS adds hours and gigabytes up. Null: AWS reports none, or one that has no exact decimal here.';
COMMENT ON COLUMN obs.service_costs.usage_unit IS 'Unit of usage_quantity (Unit of UsageQuantity). Null: N/A, the units are mixed.';
COMMENT ON COLUMN obs.service_costs.normalized_usage IS 'Instance hours in units of a small instance (NormalizedUsageAmount). 0 for services without instance sizes. Null: as of usage_quantity.';
COMMENT ON COLUMN obs.service_costs.estimated IS 'Whether AWS may still restate the day (Estimated).';
CREATE MATERIALIZED VIEW public.attention_facts AS
 WITH certificate AS (
         SELECT certificates.row_key,
            certificates.account_id,
            certificates.region,
            certificates.certificate_arn,
            COALESCE(certificates.domain_name, certificates.certificate_arn) AS name,
            certificates.status,
            certificates.not_after,
            certificates.revoked_at,
            certificates.in_use,
            certificates.renewal_eligibility
           FROM obs.certificates
          WHERE (certificates.deleted_at IS NULL)
        ), key AS (
         SELECT kms_keys.row_key,
            kms_keys.account_id,
            kms_keys.region,
            kms_keys.key_arn,
            COALESCE((kms_keys.aliases ->> 0), kms_keys.key_id) AS name,
            kms_keys.key_state,
            kms_keys.deletion_at,
            kms_keys.material_expires_at,
            kms_keys.rotation_enabled,
            kms_keys.next_rotation_at,
            kms_keys.key_manager,
            kms_keys.key_spec,
            kms_keys.origin,
            COALESCE((kms_keys.denied_actions ? 'kms:GetKeyRotationStatus'::text), false) AS rotation_denied
           FROM obs.kms_keys
          WHERE (kms_keys.deleted_at IS NULL)
        ), secret AS (
         SELECT secrets.row_key,
            secrets.account_id,
            secrets.region,
            secrets.secret_arn,
            secrets.name,
            secrets.rotation_enabled,
            secrets.next_rotation_at,
            secrets.deletion_requested_at,
            ((COALESCE(secrets.primary_region, secrets.region) = secrets.region) AND (secrets.external_type IS NULL)) AS rotates_here,
            (secrets.owning_service IS NOT NULL) AS is_owned
           FROM obs.secrets
          WHERE (secrets.deleted_at IS NULL)
        ), fact AS (
         SELECT certificate.row_key,
            certificate.account_id,
            certificate.region,
            'certificate'::text AS kind,
            certificate.certificate_arn AS resource_arn,
            certificate.name AS resource_name,
            'certificate_expiry'::text AS issue,
            certificate.not_after AS due_at,
            certificate.in_use
           FROM certificate
          WHERE ((certificate.not_after IS NOT NULL) AND ((certificate.status IS NULL) OR (certificate.status = ANY (ARRAY['ISSUED'::text, 'EXPIRED'::text]))))
        UNION ALL
         SELECT certificate.row_key,
            certificate.account_id,
            certificate.region,
            'certificate'::text,
            certificate.certificate_arn,
            certificate.name,
            'certificate_not_renewable'::text,
            certificate.not_after,
            certificate.in_use
           FROM certificate
          WHERE ((certificate.renewal_eligibility = 'INELIGIBLE'::text) AND (certificate.status = 'ISSUED'::text) AND (certificate.in_use IS NOT FALSE))
        UNION ALL
         SELECT certificate.row_key,
            certificate.account_id,
            certificate.region,
            'certificate'::text,
            certificate.certificate_arn,
            certificate.name,
            'certificate_revoked'::text,
            certificate.revoked_at,
            certificate.in_use
           FROM certificate
          WHERE (certificate.status = 'REVOKED'::text)
        UNION ALL
         SELECT key.row_key,
            key.account_id,
            key.region,
            'kms_key'::text,
            key.key_arn,
            key.name,
            'key_pending_deletion'::text,
            key.deletion_at,
            NULL::boolean
           FROM key
          WHERE (key.key_state = ANY (ARRAY['PendingDeletion'::text, 'PendingReplicaDeletion'::text]))
        UNION ALL
         SELECT key.row_key,
            key.account_id,
            key.region,
            'kms_key'::text,
            key.key_arn,
            key.name,
            'key_material_expiry'::text,
            key.material_expires_at,
            NULL::boolean
           FROM key
          WHERE ((key.material_expires_at IS NOT NULL) AND (key.key_state IS DISTINCT FROM 'PendingDeletion'::text))
        UNION ALL
         SELECT key.row_key,
            key.account_id,
            key.region,
            'kms_key'::text,
            key.key_arn,
            key.name,
            'key_unavailable'::text,
            NULL::timestamp with time zone,
            NULL::boolean
           FROM key
          WHERE (key.key_state = 'Unavailable'::text)
        UNION ALL
         SELECT key.row_key,
            key.account_id,
            key.region,
            'kms_key'::text,
            key.key_arn,
            key.name,
            'key_unknown'::text,
            NULL::timestamp with time zone,
            NULL::boolean
           FROM key
          WHERE (key.key_state IS NULL)
        UNION ALL
         SELECT key.row_key,
            key.account_id,
            key.region,
            'kms_key'::text,
            key.key_arn,
            key.name,
            'key_rotation_off'::text,
            NULL::timestamp with time zone,
            NULL::boolean
           FROM key
          WHERE ((key.rotation_enabled = false) AND (key.key_manager IS DISTINCT FROM 'AWS'::text) AND (key.key_state = 'Enabled'::text) AND (key.origin = 'AWS_KMS'::text))
        UNION ALL
         SELECT key.row_key,
            key.account_id,
            key.region,
            'kms_key'::text,
            key.key_arn,
            key.name,
            'key_rotation_overdue'::text,
            key.next_rotation_at,
            NULL::boolean
           FROM key
          WHERE (key.rotation_enabled AND (key.next_rotation_at IS NOT NULL) AND (key.key_state = 'Enabled'::text))
        UNION ALL
         SELECT key.row_key,
            key.account_id,
            key.region,
            'kms_key'::text,
            key.key_arn,
            key.name,
            'key_rotation_unknown'::text,
            NULL::timestamp with time zone,
            NULL::boolean
           FROM key
          WHERE ((key.rotation_enabled IS NULL) AND (key.key_manager IS DISTINCT FROM 'AWS'::text) AND (key.rotation_denied OR ((key.key_state = 'Enabled'::text) AND (key.key_spec = 'SYMMETRIC_DEFAULT'::text) AND (key.origin = 'AWS_KMS'::text))))
        UNION ALL
         SELECT secret.row_key,
            secret.account_id,
            secret.region,
            'secret'::text,
            secret.secret_arn,
            secret.name,
            'secret_pending_deletion'::text,
            (secret.deletion_requested_at + '7 days'::interval),
            NULL::boolean
           FROM secret
          WHERE (secret.deletion_requested_at IS NOT NULL)
        UNION ALL
         SELECT secret.row_key,
            secret.account_id,
            secret.region,
            'secret'::text,
            secret.secret_arn,
            secret.name,
            'secret_rotation_off'::text,
            NULL::timestamp with time zone,
            NULL::boolean
           FROM secret
          WHERE ((secret.rotation_enabled = false) AND secret.rotates_here AND (secret.deletion_requested_at IS NULL))
        UNION ALL
         SELECT secret.row_key,
            secret.account_id,
            secret.region,
            'secret'::text,
            secret.secret_arn,
            secret.name,
            'secret_rotation_not_set_up'::text,
            NULL::timestamp with time zone,
            NULL::boolean
           FROM secret
          WHERE ((secret.rotation_enabled IS NULL) AND secret.rotates_here AND (NOT secret.is_owned) AND (secret.deletion_requested_at IS NULL))
        UNION ALL
         SELECT secret.row_key,
            secret.account_id,
            secret.region,
            'secret'::text,
            secret.secret_arn,
            secret.name,
            'secret_rotation_overdue'::text,
            secret.next_rotation_at,
            NULL::boolean
           FROM secret
          WHERE (secret.rotation_enabled AND (secret.next_rotation_at IS NOT NULL) AND secret.rotates_here AND (secret.deletion_requested_at IS NULL))
        )
 SELECT fact.row_key,
    fact.issue,
    fact.account_id,
    fact.region,
    fact.kind,
    fact.resource_arn,
    fact.resource_name,
    fact.due_at,
    fact.in_use
   FROM fact
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW public.attention_facts IS 'What needs_attention is made of: the dates of certificates, keys and secrets, near or far, and their faults.';
COMMENT ON COLUMN public.attention_facts.row_key IS 'Key of the row in the table of the category.';
COMMENT ON COLUMN public.attention_facts.issue IS 'What may be wrong, as a code.';
COMMENT ON COLUMN public.attention_facts.account_id IS 'Account of the resource.';
COMMENT ON COLUMN public.attention_facts.region IS 'Region of the resource.';
COMMENT ON COLUMN public.attention_facts.kind IS 'certificate, kms_key or secret.';
COMMENT ON COLUMN public.attention_facts.resource_arn IS 'ARN of the resource.';
COMMENT ON COLUMN public.attention_facts.resource_name IS 'Domain name of the certificate, first alias or id of the key, name of the secret.';
COMMENT ON COLUMN public.attention_facts.due_at IS 'When it happens or happened, or had to. Null: no date belongs to the issue, or it is not known.';
COMMENT ON COLUMN public.attention_facts.in_use IS 'Whether the certificate is in use. Null: not known, or not a certificate.';
CREATE VIEW public.scope_status AS
 SELECT s.category,
    s.account_id,
    s.region,
    s.slice,
    s.slice_number,
    newest.collected_at AS last_run_at,
    ended.outcome AS last_outcome,
    ended.error AS last_error,
    COALESCE(newest.rejects, (0)::bigint) AS rejects,
    complete.collected_at AS complete_run_at,
    (now() - complete.collected_at) AS age,
    usual.gap AS run_interval,
    NULLIF(s.live_rows, '-1'::integer) AS live_rows
   FROM ((((( SELECT scope.scope,
            scope.category,
            scope.account_id,
            scope.region,
            scope.slice,
            scope.complete_run,
            scope.live_rows,
            scope.live_xor,
            scope.pruned_run,
            row_number() OVER (PARTITION BY scope.category, scope.account_id, scope.region ORDER BY scope.slice DESC) AS slice_number
           FROM hub.scope) s
     LEFT JOIN LATERAL ( SELECT r.collected_at,
            r.rejects
           FROM hub.run r
          WHERE (r.scope = s.scope)
          ORDER BY r.run DESC
         LIMIT 1) newest ON (true))
     LEFT JOIN LATERAL ( SELECT r.outcome,
            r.error
           FROM hub.run r
          WHERE ((r.scope = s.scope) AND (r.outcome IS NOT NULL))
          ORDER BY r.run DESC
         LIMIT 1) ended ON (true))
     LEFT JOIN hub.run complete ON (((complete.scope = s.scope) AND (complete.run = s.complete_run))))
     LEFT JOIN LATERAL ( SELECT percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY gaps.gap) AS gap
           FROM ( SELECT (last.collected_at - lead(last.collected_at) OVER (ORDER BY last.run DESC)) AS gap
                   FROM ( SELECT r.run,
                            r.collected_at
                           FROM hub.run r
                          WHERE (r.scope = s.scope)
                          ORDER BY r.run DESC
                         LIMIT 11) last) gaps) usual ON (true));
COMMENT ON VIEW public.scope_status IS 'What was collected, a row per category, account, region and slice. Filter by category, account_id and region: it looks at every run otherwise.';
COMMENT ON COLUMN public.scope_status.category IS 'Category.';
COMMENT ON COLUMN public.scope_status.account_id IS 'Account that was collected.';
COMMENT ON COLUMN public.scope_status.region IS 'Region that was collected; global for services without regions.';
COMMENT ON COLUMN public.scope_status.slice IS 'Slice, such as the day of costs; empty for categories without.';
COMMENT ON COLUMN public.scope_status.slice_number IS '1 for the newest slice, 2 for the one before and so on.';
COMMENT ON COLUMN public.scope_status.last_run_at IS 'Start of the newest run, in whatever state.';
COMMENT ON COLUMN public.scope_status.last_outcome IS 'Outcome of the newest run that has ended: ok, empty, partial, denied, throttled, disabled or failed. Null: none has.';
COMMENT ON COLUMN public.scope_status.last_error IS 'Error text of that run.';
COMMENT ON COLUMN public.scope_status.rejects IS 'Rows of the newest run that were refused.';
COMMENT ON COLUMN public.scope_status.complete_run_at IS 'Start of the newest complete run: the state of the rows is of this time. Null: none was complete.';
COMMENT ON COLUMN public.scope_status.age IS 'Time since then.';
COMMENT ON COLUMN public.scope_status.run_interval IS 'Usual time between runs. Null: there was one only.';
COMMENT ON COLUMN public.scope_status.live_rows IS 'Rows that are not gone. Null: not counted.';
CREATE VIEW public.freshness AS
 WITH source AS (
         SELECT scope_status.category,
            scope_status.account_id,
            scope_status.region,
            max(scope_status.last_run_at) AS last_run_at,
            (array_agg(scope_status.last_outcome ORDER BY scope_status.last_run_at DESC, scope_status.slice DESC) FILTER (WHERE (scope_status.last_outcome IS NOT NULL)))[1] AS last_outcome,
            (array_agg(scope_status.last_error ORDER BY scope_status.last_run_at DESC, scope_status.slice DESC) FILTER (WHERE (scope_status.last_outcome IS NOT NULL)))[1] AS last_error,
            count(*) FILTER (WHERE (scope_status.last_outcome <> ALL (ARRAY['ok'::text, 'empty'::text]))) AS failing,
            (sum(scope_status.rejects))::bigint AS rejects,
            max(scope_status.complete_run_at) AS complete_run_at,
            GREATEST((((2)::double precision * COALESCE(percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY scope_status.run_interval), '1 day'::interval)) + '00:10:00'::interval), '01:00:00'::interval) AS stale_after
           FROM public.scope_status
          WHERE (scope_status.slice_number <= 20)
          GROUP BY scope_status.category, scope_status.account_id, scope_status.region
        ), judged AS (
         SELECT source.category,
            source.account_id,
            source.region,
            source.last_run_at,
            source.last_outcome,
            source.last_error,
            source.failing,
            source.rejects,
            source.complete_run_at,
            source.stale_after,
                CASE
                    WHEN ((source.last_outcome = 'disabled'::text) AND ((now() - source.last_run_at) <= source.stale_after)) THEN 'disabled'::text
                    WHEN (source.complete_run_at IS NULL) THEN 'never complete'::text
                    WHEN ((now() - source.complete_run_at) > source.stale_after) THEN 'stale'::text
                    WHEN ((source.failing > 0) OR (source.rejects > 0)) THEN 'failing'::text
                    ELSE 'fresh'::text
                END AS status
           FROM source
        )
 SELECT judged.category,
    judged.account_id,
    judged.region,
    judged.status,
    (judged.status = ANY (ARRAY['stale'::text, 'never complete'::text])) AS red,
    judged.complete_run_at,
    (now() - judged.complete_run_at) AS age,
    judged.stale_after,
    judged.last_run_at,
    judged.last_outcome,
    judged.last_error,
    judged.rejects
   FROM judged;
COMMENT ON VIEW public.freshness IS 'How old the data are, a row per category, account and region. Red: older than two runs, or never complete.';
COMMENT ON COLUMN public.freshness.category IS 'Category.';
COMMENT ON COLUMN public.freshness.account_id IS 'Account that is collected.';
COMMENT ON COLUMN public.freshness.region IS 'Region that is collected; global for services without regions.';
COMMENT ON COLUMN public.freshness.status IS 'fresh; failing: still fresh, but the newest run was not complete; stale; never complete; disabled: the service is not turned on there.';
COMMENT ON COLUMN public.freshness.red IS 'Whether the data are stale or were never complete.';
COMMENT ON COLUMN public.freshness.complete_run_at IS 'Start of the newest complete run: the data are of this time. Null: none was complete.';
COMMENT ON COLUMN public.freshness.age IS 'Time since then.';
COMMENT ON COLUMN public.freshness.stale_after IS 'Age at which the data become stale: a little more than twice the usual time between runs.';
COMMENT ON COLUMN public.freshness.last_run_at IS 'Start of the newest run, in whatever state.';
COMMENT ON COLUMN public.freshness.last_outcome IS 'Outcome of the newest run that has ended: ok, empty, partial, denied, throttled, disabled or failed. Null: none has.';
COMMENT ON COLUMN public.freshness.last_error IS 'Error text of that run.';
COMMENT ON COLUMN public.freshness.rejects IS 'Rows of the newest runs that were refused.';
CREATE VIEW public.collection_status AS
 WITH collected AS (
         SELECT freshness.category,
            count(DISTINCT freshness.account_id) AS accounts,
            count(*) FILTER (WHERE (freshness.status = 'fresh'::text)) AS fresh,
            count(*) FILTER (WHERE (freshness.status = 'failing'::text)) AS failing,
            count(*) FILTER (WHERE (freshness.status = 'stale'::text)) AS stale,
            count(*) FILTER (WHERE (freshness.status = 'never complete'::text)) AS never_complete,
            count(*) FILTER (WHERE (freshness.status = 'disabled'::text)) AS disabled,
            max(freshness.age) FILTER (WHERE (freshness.status <> 'disabled'::text)) AS oldest_age,
            max(freshness.last_run_at) AS last_run_at
           FROM public.freshness
          GROUP BY freshness.category
        ), refused AS (
         SELECT reject.category,
            count(*) FILTER (WHERE (reject.state = 'open'::text)) AS open_rejects,
            count(*) FILTER (WHERE (reject.state = 'parked'::text)) AS parked
           FROM hub.reject
          GROUP BY reject.category
        )
 SELECT category,
    COALESCE(collected.accounts, (0)::bigint) AS accounts,
    COALESCE(collected.fresh, (0)::bigint) AS fresh,
    COALESCE(collected.failing, (0)::bigint) AS failing,
    COALESCE(collected.stale, (0)::bigint) AS stale,
    COALESCE(collected.never_complete, (0)::bigint) AS never_complete,
    COALESCE(collected.disabled, (0)::bigint) AS disabled,
    collected.oldest_age,
    collected.last_run_at,
    COALESCE(refused.open_rejects, (0)::bigint) AS open_rejects,
    COALESCE(refused.parked, (0)::bigint) AS parked
   FROM (collected
     FULL JOIN refused USING (category));
COMMENT ON VIEW public.collection_status IS 'How collecting goes, a row per category. Where a category is collected is counted in pairs of account and region; see freshness for which they are.';
COMMENT ON COLUMN public.collection_status.category IS 'Category; empty for records that do not name one.';
COMMENT ON COLUMN public.collection_status.accounts IS 'Accounts that are collected.';
COMMENT ON COLUMN public.collection_status.fresh IS 'Accounts and regions with fresh data.';
COMMENT ON COLUMN public.collection_status.failing IS 'Accounts and regions with fresh data, whose newest run was not complete.';
COMMENT ON COLUMN public.collection_status.stale IS 'Accounts and regions with stale data.';
COMMENT ON COLUMN public.collection_status.never_complete IS 'Accounts and regions of which no run was complete yet.';
COMMENT ON COLUMN public.collection_status.disabled IS 'Accounts and regions in which the service is not turned on.';
COMMENT ON COLUMN public.collection_status.oldest_age IS 'Age of the oldest data.';
COMMENT ON COLUMN public.collection_status.last_run_at IS 'Start of the newest run.';
COMMENT ON COLUMN public.collection_status.open_rejects IS 'Rows, parts and records that were refused.';
COMMENT ON COLUMN public.collection_status.parked IS 'Records that wait for the table of their category to be migrated.';
CREATE MATERIALIZED VIEW public.cost_monthly AS
 WITH monthly AS (
         SELECT service_costs.account_id,
            "left"(service_costs.service, 256) AS service,
            (date_trunc('month'::text, (service_costs.usage_date)::timestamp without time zone))::date AS month,
            "left"(COALESCE(service_costs.currency, 'UNKNOWN'::text), 16) AS currency,
            sum(service_costs.unblended_cost) AS unblended_cost,
                CASE
                    WHEN (count(*) = count(service_costs.net_unblended_cost)) THEN sum(service_costs.net_unblended_cost)
                    ELSE NULL::numeric
                END AS net_unblended_cost,
                CASE
                    WHEN (count(*) = count(service_costs.amortized_cost)) THEN sum(service_costs.amortized_cost)
                    ELSE NULL::numeric
                END AS amortized_cost,
                CASE
                    WHEN (count(*) = count(service_costs.net_amortized_cost)) THEN sum(service_costs.net_amortized_cost)
                    ELSE NULL::numeric
                END AS net_amortized_cost,
            COALESCE(sum(service_costs.unblended_cost) FILTER (WHERE service_costs.estimated), (0)::numeric) AS estimated_cost,
            bool_or(service_costs.estimated) AS estimated,
            count(DISTINCT service_costs.usage_date) AS days,
            max(service_costs.usage_date) AS last_day
           FROM obs.service_costs
          WHERE (service_costs.deleted_at IS NULL)
          GROUP BY service_costs.account_id, ("left"(service_costs.service, 256)), ((date_trunc('month'::text, (service_costs.usage_date)::timestamp without time zone))::date), ("left"(COALESCE(service_costs.currency, 'UNKNOWN'::text), 16))
        )
 SELECT monthly.account_id,
    monthly.service,
    monthly.month,
    monthly.currency,
    monthly.unblended_cost,
    monthly.net_unblended_cost,
    monthly.amortized_cost,
    monthly.net_amortized_cost,
    round((monthly.unblended_cost / NULLIF(sum(monthly.unblended_cost) OVER (PARTITION BY monthly.account_id, monthly.month, monthly.currency), (0)::numeric)), 6) AS share,
    monthly.estimated,
    monthly.estimated_cost,
    monthly.days,
    monthly.last_day
   FROM monthly
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW public.cost_monthly IS 'Cost by account, service, month and currency. Every account has its own costs alone, from all regions; currencies are never added up.';
COMMENT ON COLUMN public.cost_monthly.account_id IS 'Account that used the service.';
COMMENT ON COLUMN public.cost_monthly.service IS 'Service, by its name in Cost Explorer.';
COMMENT ON COLUMN public.cost_monthly.month IS 'First day of the month.';
COMMENT ON COLUMN public.cost_monthly.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN public.cost_monthly.unblended_cost IS 'Cost as it is charged on the days of usage, less refunds and credits.';
COMMENT ON COLUMN public.cost_monthly.net_unblended_cost IS 'Unblended cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN public.cost_monthly.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN public.cost_monthly.net_amortized_cost IS 'Amortized cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN public.cost_monthly.share IS 'Part of the account''s unblended cost in the month and currency, 1 being all of it; credits can make it negative or more than 1. Null: that cost is 0.';
COMMENT ON COLUMN public.cost_monthly.estimated IS 'Whether AWS may still restate a part of the month.';
COMMENT ON COLUMN public.cost_monthly.estimated_cost IS 'The part of unblended_cost that AWS may still restate.';
COMMENT ON COLUMN public.cost_monthly.days IS 'Number of days of the month with a cost line of the service.';
COMMENT ON COLUMN public.cost_monthly.last_day IS 'Last of those days.';
CREATE VIEW public.current_certificates AS
 SELECT certificates.account_id,
    certificates.region,
    certificates.certificate_arn,
    certificates.domain_name,
    certificates.status,
    certificates.certificate_type,
    certificates.key_algorithm,
    certificates.key_pair_origin,
    certificates.managed_by,
    certificates.in_use,
    certificates.subject_alternative_names,
    certificates.has_additional_names,
    certificates.key_usages,
    certificates.extended_key_usages,
    certificates.renewal_eligibility,
    certificates.export_option,
    certificates.exported,
    certificates.requested_at,
    certificates.issued_at,
    certificates.imported_at,
    certificates.not_before,
    certificates.not_after,
    certificates.revoked_at,
    certificates.collected_at
   FROM obs.certificates
  WHERE (certificates.deleted_at IS NULL);
COMMENT ON VIEW public.current_certificates IS 'Rows of certificates that are not gone. Certificate is one certificate in AWS Certificate Manager (ACM), as seen in one account and region: issued by Amazon, issued by a private CA or imported, with any key algorithm. Columns come from ListCertificates (CertificateSummary).';
COMMENT ON COLUMN public.current_certificates.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN public.current_certificates.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN public.current_certificates.certificate_arn IS 'ARN of the certificate (CertificateArn).';
COMMENT ON COLUMN public.current_certificates.domain_name IS 'Primary domain name, such as www.example.com (DomainName). Null for a certificate without one.';
COMMENT ON COLUMN public.current_certificates.status IS 'Status as ACM reports it: PENDING_VALIDATION, ISSUED, INACTIVE, EXPIRED, VALIDATION_TIMED_OUT, REVOKED or FAILED (Status).';
COMMENT ON COLUMN public.current_certificates.certificate_type IS 'Source of the certificate: AMAZON_ISSUED, PRIVATE or IMPORTED (Type). Only certificates issued by Amazon or a private CA are renewed by ACM.';
COMMENT ON COLUMN public.current_certificates.key_algorithm IS 'Algorithm of the key pair, such as RSA_2048 or EC_prime256v1 (KeyAlgorithm).';
COMMENT ON COLUMN public.current_certificates.key_pair_origin IS 'Who made the key pair: AWS_MANAGED, CUSTOMER_PROVIDED or another origin that ACM reports (CertificateKeyPairOrigin).';
COMMENT ON COLUMN public.current_certificates.managed_by IS 'AWS service that manages the certificate, such as CLOUDFRONT (ManagedBy). Null: no service does.';
COMMENT ON COLUMN public.current_certificates.in_use IS 'Whether an AWS resource uses the certificate now (InUse).';
COMMENT ON COLUMN public.current_certificates.subject_alternative_names IS 'JSON array of the first 100 names that the certificate covers, the primary one included (SubjectAlternativeNameSummaries).';
COMMENT ON COLUMN public.current_certificates.has_additional_names IS 'Whether the certificate covers more names than subject_alternative_names lists (HasAdditionalSubjectAlternativeNames).';
COMMENT ON COLUMN public.current_certificates.key_usages IS 'JSON array of X.509 key usages, such as DIGITAL_SIGNATURE (KeyUsages).';
COMMENT ON COLUMN public.current_certificates.extended_key_usages IS 'JSON array of X.509 extended key usages, such as TLS_WEB_SERVER_AUTHENTICATION (ExtendedKeyUsages).';
COMMENT ON COLUMN public.current_certificates.renewal_eligibility IS 'Whether ACM can renew the certificate: ELIGIBLE or INELIGIBLE (RenewalEligibility).';
COMMENT ON COLUMN public.current_certificates.export_option IS 'Whether the certificate may be exported: ENABLED or DISABLED (ExportOption).';
COMMENT ON COLUMN public.current_certificates.exported IS 'Whether the certificate has been exported (Exported).';
COMMENT ON COLUMN public.current_certificates.requested_at IS 'When the certificate was requested (CreatedAt). Null for imported certificates.';
COMMENT ON COLUMN public.current_certificates.issued_at IS 'When Amazon issued the certificate (IssuedAt). Null unless certificate_type is AMAZON_ISSUED and it was issued.';
COMMENT ON COLUMN public.current_certificates.imported_at IS 'When the certificate was imported (ImportedAt). Null unless certificate_type is IMPORTED.';
COMMENT ON COLUMN public.current_certificates.not_before IS 'Start of the certificate''s validity (NotBefore). Null until it is issued.';
COMMENT ON COLUMN public.current_certificates.not_after IS 'End of the certificate''s validity (NotAfter). Null until it is issued.';
COMMENT ON COLUMN public.current_certificates.revoked_at IS 'When the certificate was revoked (RevokedAt). Null unless status is REVOKED.';
COMMENT ON COLUMN public.current_certificates.collected_at IS 'Start of the run that last changed the row.';
CREATE VIEW public.current_ec2_instances AS
 SELECT ec2_instances.account_id,
    ec2_instances.region,
    ec2_instances.instance_id,
    ec2_instances.name,
    ec2_instances.state,
    ec2_instances.state_transition_reason,
    ec2_instances.instance_type,
    ec2_instances.lifecycle,
    ec2_instances.image_id,
    ec2_instances.architecture,
    ec2_instances.platform_details,
    ec2_instances.availability_zone,
    ec2_instances.tenancy,
    ec2_instances.launched_at,
    ec2_instances.vpc_id,
    ec2_instances.subnet_id,
    ec2_instances.private_ip_address,
    ec2_instances.public_ip_address,
    ec2_instances.ipv6_address,
    ec2_instances.private_dns_name,
    ec2_instances.public_dns_name,
    ec2_instances.security_groups,
    ec2_instances.instance_profile_arn,
    ec2_instances.key_name,
    ec2_instances.metadata_http_tokens,
    ec2_instances.metadata_http_endpoint,
    ec2_instances.monitoring_state,
    ec2_instances.ebs_optimized,
    ec2_instances.root_device_type,
    ec2_instances.volumes,
    ec2_instances.reservation_id,
    ec2_instances.requester_id,
    ec2_instances.tags,
    ec2_instances.collected_at
   FROM obs.ec2_instances
  WHERE (ec2_instances.deleted_at IS NULL);
COMMENT ON VIEW public.current_ec2_instances IS 'Rows of ec2_instances that are not gone. EC2Instance is one EC2 instance as seen in one account and region, in any state; a terminated instance stays visible for about an hour. Columns come from DescribeInstances (Reservation and Instance).';
COMMENT ON COLUMN public.current_ec2_instances.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN public.current_ec2_instances.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN public.current_ec2_instances.instance_id IS 'Identifier of the instance (InstanceId).';
COMMENT ON COLUMN public.current_ec2_instances.name IS 'Value of the tag Name (Tags), as in tags. Null: there is no such tag.';
COMMENT ON COLUMN public.current_ec2_instances.state IS 'State: pending, running, shutting-down, terminated, stopping or stopped (State.Name).';
COMMENT ON COLUMN public.current_ec2_instances.state_transition_reason IS 'Reason of the last change of state (StateTransitionReason). Null: AWS gives none.';
COMMENT ON COLUMN public.current_ec2_instances.instance_type IS 'Instance type, such as m7g.large (InstanceType).';
COMMENT ON COLUMN public.current_ec2_instances.lifecycle IS 'How the instance was bought: spot, scheduled, capacity-block or interruptible-capacity-reservation (InstanceLifecycle). Null: on demand.';
COMMENT ON COLUMN public.current_ec2_instances.image_id IS 'Machine image that the instance was launched from (ImageId).';
COMMENT ON COLUMN public.current_ec2_instances.architecture IS 'Processor architecture, such as arm64 (Architecture).';
COMMENT ON COLUMN public.current_ec2_instances.platform_details IS 'Operating system as it is billed, such as Linux/UNIX or Windows (PlatformDetails).';
COMMENT ON COLUMN public.current_ec2_instances.availability_zone IS 'Availability zone (Placement.AvailabilityZone).';
COMMENT ON COLUMN public.current_ec2_instances.tenancy IS 'Tenancy: default, dedicated or host (Placement.Tenancy).';
COMMENT ON COLUMN public.current_ec2_instances.launched_at IS 'When the instance was last launched or started (LaunchTime).';
COMMENT ON COLUMN public.current_ec2_instances.vpc_id IS 'VPC of the instance (VpcId). Null once it is terminated.';
COMMENT ON COLUMN public.current_ec2_instances.subnet_id IS 'Subnet of the instance (SubnetId). Null once it is terminated.';
COMMENT ON COLUMN public.current_ec2_instances.private_ip_address IS 'Private IPv4 address (PrivateIpAddress). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.public_ip_address IS 'Public IPv4 address (PublicIpAddress). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.ipv6_address IS 'IPv6 address (Ipv6Address). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.private_dns_name IS 'Private DNS name (PrivateDnsName). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.public_dns_name IS 'Public DNS name (PublicDnsName). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.security_groups IS 'JSON array of security groups: GroupId and GroupName (SecurityGroups).';
COMMENT ON COLUMN public.current_ec2_instances.instance_profile_arn IS 'ARN of the instance profile, which gives the instance its role (IamInstanceProfile.Arn). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.key_name IS 'Name of the SSH key pair (KeyName). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.metadata_http_tokens IS 'Whether the metadata service requires session tokens (IMDSv2): required or optional (MetadataOptions.HttpTokens).';
COMMENT ON COLUMN public.current_ec2_instances.metadata_http_endpoint IS 'Whether the metadata service can be reached: enabled or disabled (MetadataOptions.HttpEndpoint).';
COMMENT ON COLUMN public.current_ec2_instances.monitoring_state IS 'Detailed monitoring: enabled, disabled, pending or disabling (Monitoring.State).';
COMMENT ON COLUMN public.current_ec2_instances.ebs_optimized IS 'Whether the instance is optimized for EBS (EbsOptimized).';
COMMENT ON COLUMN public.current_ec2_instances.root_device_type IS 'Type of the root device: ebs or instance-store (RootDeviceType).';
COMMENT ON COLUMN public.current_ec2_instances.volumes IS 'JSON array of attached EBS volumes: DeviceName, VolumeId and DeleteOnTermination (BlockDeviceMappings). Null: none.';
COMMENT ON COLUMN public.current_ec2_instances.reservation_id IS 'Launch request that the instance belongs to (Reservation.ReservationId).';
COMMENT ON COLUMN public.current_ec2_instances.requester_id IS 'AWS service or account that launched the instance for the owner, such as an Auto Scaling group''s (Reservation.RequesterId). Null: the owner did.';
COMMENT ON COLUMN public.current_ec2_instances.tags IS 'JSON object of the tags of the instance (Tags). Null: it has none. A value that may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN public.current_ec2_instances.collected_at IS 'Start of the run that last changed the row.';
CREATE VIEW public.current_kms_keys AS
 SELECT kms_keys.account_id,
    kms_keys.region,
    kms_keys.key_arn,
    kms_keys.key_id,
    kms_keys.aliases,
    kms_keys.description,
    kms_keys.key_manager,
    kms_keys.key_state,
    kms_keys.enabled,
    kms_keys.key_spec,
    kms_keys.key_usage,
    kms_keys.origin,
    kms_keys.custom_key_store_id,
    kms_keys.multi_region,
    kms_keys.multi_region_key_type,
    kms_keys.primary_key_arn,
    kms_keys.replica_key_arns,
    kms_keys.key_created_at,
    kms_keys.deletion_at,
    kms_keys.pending_deletion_window_days,
    kms_keys.expiration_model,
    kms_keys.material_expires_at,
    kms_keys.rotation_enabled,
    kms_keys.rotation_period_days,
    kms_keys.next_rotation_at,
    kms_keys.on_demand_rotation_started_at,
    kms_keys.tags,
    kms_keys.denied_actions,
    kms_keys.collected_at
   FROM obs.kms_keys
  WHERE (kms_keys.deleted_at IS NULL);
COMMENT ON VIEW public.current_kms_keys IS 'Rows of kms_keys that are not gone. KMSKey is one KMS key as seen in one account and region, customer managed or AWS managed. The list comes from ListKeys; what is known about a key comes from DescribeKey, GetKeyRotationStatus, ListAliases and ListResourceTags, each of which the key''s policy may deny on its own: denied_actions then names the action, and the columns that it would have filled are null. Of a key whose description is denied, only ARN, id and aliases are known.';
COMMENT ON COLUMN public.current_kms_keys.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN public.current_kms_keys.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN public.current_kms_keys.key_arn IS 'ARN of the key (KeyArn).';
COMMENT ON COLUMN public.current_kms_keys.key_id IS 'Identifier of the key (KeyId). Multi-Region keys (mrk-…) have the same one in every region.';
COMMENT ON COLUMN public.current_kms_keys.aliases IS 'JSON array of the alias names of the key, such as alias/aws/s3 (ListAliases, AliasName). An empty array: it has none. Null: ListAliases was denied.';
COMMENT ON COLUMN public.current_kms_keys.description IS 'Description that the owner gave the key (Description).';
COMMENT ON COLUMN public.current_kms_keys.key_manager IS 'Who manages the key: CUSTOMER or AWS (KeyManager).';
COMMENT ON COLUMN public.current_kms_keys.key_state IS 'State of the key: Enabled, Disabled, PendingDeletion, PendingImport and so on (KeyState).';
COMMENT ON COLUMN public.current_kms_keys.enabled IS 'Whether the key can be used now: key_state is Enabled (Enabled).';
COMMENT ON COLUMN public.current_kms_keys.key_spec IS 'Type of key material, such as SYMMETRIC_DEFAULT or RSA_2048 (KeySpec).';
COMMENT ON COLUMN public.current_kms_keys.key_usage IS 'What the key may be used for: ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC and so on (KeyUsage).';
COMMENT ON COLUMN public.current_kms_keys.origin IS 'Source of the key material: AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE (Origin).';
COMMENT ON COLUMN public.current_kms_keys.custom_key_store_id IS 'Custom key store that holds the key (CustomKeyStoreId). Null: none does.';
COMMENT ON COLUMN public.current_kms_keys.multi_region IS 'Whether this is a multi-Region key (MultiRegion).';
COMMENT ON COLUMN public.current_kms_keys.multi_region_key_type IS 'Role of a multi-Region key: PRIMARY or REPLICA (MultiRegionConfiguration). Null for other keys.';
COMMENT ON COLUMN public.current_kms_keys.primary_key_arn IS 'ARN of the primary key of a multi-Region key (MultiRegionConfiguration). Null for other keys.';
COMMENT ON COLUMN public.current_kms_keys.replica_key_arns IS 'JSON array of the ARNs of the replicas of a multi-Region key (MultiRegionConfiguration). Null for other keys.';
COMMENT ON COLUMN public.current_kms_keys.key_created_at IS 'When the key was created (CreationDate).';
COMMENT ON COLUMN public.current_kms_keys.deletion_at IS 'After when KMS deletes the key (DeletionDate). Null unless key_state is PendingDeletion.';
COMMENT ON COLUMN public.current_kms_keys.pending_deletion_window_days IS 'Waiting period in days before a multi-Region primary key is deleted, once its replicas are gone (PendingDeletionWindowInDays). Null for other keys.';
COMMENT ON COLUMN public.current_kms_keys.expiration_model IS 'Whether imported key material expires: KEY_MATERIAL_EXPIRES or KEY_MATERIAL_DOES_NOT_EXPIRE (ExpirationModel). Null unless origin is EXTERNAL.';
COMMENT ON COLUMN public.current_kms_keys.material_expires_at IS 'When the imported key material expires (ValidTo). Null: it does not.';
COMMENT ON COLUMN public.current_kms_keys.rotation_enabled IS 'Whether KMS rotates the key material on schedule (GetKeyRotationStatus, KeyRotationEnabled). Always true for AWS managed keys; always false for imported material (origin EXTERNAL), which cannot be rotated on schedule, and while the key waits for its deletion; of a multi-Region key, the primary is asked to change it. Null: the key cannot be rotated (asymmetric, HMAC, custom key store), its state does not tell, or the question was denied, which denied_actions says.';
COMMENT ON COLUMN public.current_kms_keys.rotation_period_days IS 'Days between two rotations (RotationPeriodInDays). Null unless KMS reports one.';
COMMENT ON COLUMN public.current_kms_keys.next_rotation_at IS 'When KMS rotates the key material next (NextRotationDate). Null unless KMS reports it.';
COMMENT ON COLUMN public.current_kms_keys.on_demand_rotation_started_at IS 'Start of an on-demand rotation that is in progress (OnDemandRotationStartDate). Null: none is.';
COMMENT ON COLUMN public.current_kms_keys.tags IS 'JSON object of the tags of a customer managed key (ListResourceTags). An empty object: it has none. Null: AWS managed, or denied. A value that may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN public.current_kms_keys.denied_actions IS 'JSON array of the IAM actions that were denied for this key, such as kms:GetKeyRotationStatus. Null: none was.';
COMMENT ON COLUMN public.current_kms_keys.collected_at IS 'Start of the run that last changed the row.';
CREATE VIEW public.current_secrets AS
 SELECT secrets.account_id,
    secrets.region,
    secrets.secret_arn,
    secrets.name,
    secrets.description,
    secrets.kms_key_id,
    secrets.owning_service,
    secrets.external_type,
    secrets.primary_region,
    secrets.rotation_enabled,
    secrets.rotation_lambda_arn,
    secrets.rotation_interval_days,
    secrets.rotation_schedule,
    secrets.rotation_window,
    secrets.last_rotated_at,
    secrets.next_rotation_at,
    secrets.last_changed_at,
    secrets.last_accessed_at,
    secrets.secret_created_at,
    secrets.deletion_requested_at,
    secrets.version_stages,
    secrets.tags,
    secrets.collected_at
   FROM obs.secrets
  WHERE (secrets.deleted_at IS NULL);
COMMENT ON VIEW public.current_secrets IS 'Rows of secrets that are not gone. Secret is the name and the rotation state of one secret in AWS Secrets Manager, as seen in one account and region, secrets that wait for their deletion included. Values of secrets are never read. Columns come from ListSecrets (SecretListEntry).';
COMMENT ON COLUMN public.current_secrets.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN public.current_secrets.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN public.current_secrets.secret_arn IS 'ARN of the secret (ARN).';
COMMENT ON COLUMN public.current_secrets.name IS 'Name of the secret (Name).';
COMMENT ON COLUMN public.current_secrets.description IS 'Description that the owner gave the secret (Description).';
COMMENT ON COLUMN public.current_secrets.kms_key_id IS 'KMS key that encrypts the secret: an ARN, id or alias (KmsKeyId). Null: the AWS managed key aws/secretsmanager.';
COMMENT ON COLUMN public.current_secrets.owning_service IS 'AWS service that created the secret, such as rds (OwningService). Null: none did.';
COMMENT ON COLUMN public.current_secrets.external_type IS 'Partner that holds a managed external secret (Type). Null for other secrets.';
COMMENT ON COLUMN public.current_secrets.primary_region IS 'Region that a replicated secret comes from (PrimaryRegion). Null: the secret is not replicated.';
COMMENT ON COLUMN public.current_secrets.rotation_enabled IS 'Whether the secret is rotated on schedule (RotationEnabled). Null: rotation was never set up.';
COMMENT ON COLUMN public.current_secrets.rotation_lambda_arn IS 'Lambda function that rotates the secret (RotationLambdaARN). Null: none, or rotation is managed by the owning service.';
COMMENT ON COLUMN public.current_secrets.rotation_interval_days IS 'Days between two rotations (RotationRules.AutomaticallyAfterDays), also where a schedule is set: in ListSecrets "this value is calculated from the rotation schedule after every successful rotation". Null: AWS reports none.';
COMMENT ON COLUMN public.current_secrets.rotation_schedule IS 'Schedule of the rotation: a cron() or rate() expression (RotationRules.ScheduleExpression). Null: none.';
COMMENT ON COLUMN public.current_secrets.rotation_window IS 'Length of the rotation window, such as 3h (RotationRules.Duration). Null: not set.';
COMMENT ON COLUMN public.current_secrets.last_rotated_at IS 'When the secret was rotated last (LastRotatedDate). Null: never.';
COMMENT ON COLUMN public.current_secrets.next_rotation_at IS 'Before when the secret is rotated next (NextRotationDate). Null: no rotation is planned.';
COMMENT ON COLUMN public.current_secrets.last_changed_at IS 'When the secret was changed last, in any way (LastChangedDate).';
COMMENT ON COLUMN public.current_secrets.last_accessed_at IS 'Day on which the secret was read last in this region, as midnight UTC (LastAccessedDate). Null: never.';
COMMENT ON COLUMN public.current_secrets.secret_created_at IS 'When the secret was created (CreatedDate).';
COMMENT ON COLUMN public.current_secrets.deletion_requested_at IS 'When the deletion of the secret was requested (DeletedDate). Null: the secret is active.';
COMMENT ON COLUMN public.current_secrets.version_stages IS 'JSON object of the versions of the secret: version id to array of staging labels (SecretVersionsToStages). It holds no values.';
COMMENT ON COLUMN public.current_secrets.tags IS 'JSON object of the tags of the secret (Tags). Null: it has none. A value that may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN public.current_secrets.collected_at IS 'Start of the run that last changed the row.';
CREATE VIEW public.current_security_findings AS
 SELECT security_findings.account_id,
    security_findings.region,
    security_findings.finding_id,
    security_findings.product_arn,
    security_findings.product_name,
    security_findings.company_name,
    security_findings.generator_id,
    security_findings.finding_account_id,
    security_findings.finding_region,
    security_findings.title,
    security_findings.description,
    security_findings.finding_types,
    security_findings.severity_label,
    security_findings.severity_normalized,
    security_findings.severity_original,
    security_findings.workflow_status,
    security_findings.record_state,
    security_findings.compliance_status,
    security_findings.security_control_id,
    security_findings.associated_standards,
    security_findings.resource_type,
    security_findings.resource_id,
    security_findings.resource_count,
    security_findings.resources,
    security_findings.vulnerabilities,
    security_findings.product_fields,
    security_findings.remediation_text,
    security_findings.remediation_url,
    security_findings.first_observed_at,
    security_findings.last_observed_at,
    security_findings.finding_created_at,
    security_findings.finding_updated_at,
    security_findings.sample,
    security_findings.compliance_reasons,
    security_findings.finding_account_name,
    security_findings.collected_at
   FROM obs.security_findings
  WHERE (security_findings.deleted_at IS NULL);
COMMENT ON VIEW public.current_security_findings IS 'Rows of security_findings that are not gone. SecurityFinding is one finding in AWS Security Hub CSPM, of any product, severity and state, archived ones included. Columns come from GetFindings (the AWS Security Finding Format, ASFF).
An administrator account also sees the findings of its member accounts, and an aggregation region those of its linked regions. The system columns account_id and region say where the finding was read; finding_account_id and finding_region say where it belongs. The same finding may therefore be read in several places: count distinct (product_arn, finding_id).
Security Hub deletes findings that were not updated for 90 days, archived ones after 30. Their rows stay as they were last seen. Every run moves collected_at of the findings that it names, and once a day a run names all: the view findings_horizon says from which collected_at on a finding still exists.';
COMMENT ON COLUMN public.current_security_findings.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN public.current_security_findings.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN public.current_security_findings.finding_id IS 'Identifier that the product gave the finding, at most 512 characters (Id). Unique together with product_arn.';
COMMENT ON COLUMN public.current_security_findings.product_arn IS 'ARN of the product that made the finding (ProductArn).';
COMMENT ON COLUMN public.current_security_findings.product_name IS 'Name of the product, such as Security Hub, GuardDuty or Inspector (ProductName).';
COMMENT ON COLUMN public.current_security_findings.company_name IS 'Company that makes the product (CompanyName).';
COMMENT ON COLUMN public.current_security_findings.generator_id IS 'Rule, check or detector of the product that made the finding (GeneratorId).';
COMMENT ON COLUMN public.current_security_findings.finding_account_id IS 'Account that the finding is about; a member account where account_id is its administrator (AwsAccountId).';
COMMENT ON COLUMN public.current_security_findings.finding_region IS 'Region that the finding is about; another one than region where findings are aggregated (Region).';
COMMENT ON COLUMN public.current_security_findings.title IS 'Title of the finding (Title).';
COMMENT ON COLUMN public.current_security_findings.description IS 'Description of the finding (Description).';
COMMENT ON COLUMN public.current_security_findings.finding_types IS 'JSON array of finding types, namespace/category/classifier (Types).';
COMMENT ON COLUMN public.current_security_findings.severity_label IS 'Severity: INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL (Severity.Label).';
COMMENT ON COLUMN public.current_security_findings.severity_normalized IS 'Severity from 0 to 100 (Severity.Normalized).';
COMMENT ON COLUMN public.current_security_findings.severity_original IS 'Severity in the product''s own words (Severity.Original).';
COMMENT ON COLUMN public.current_security_findings.workflow_status IS 'Status of the investigation: NEW, NOTIFIED, RESOLVED or SUPPRESSED (Workflow.Status).';
COMMENT ON COLUMN public.current_security_findings.record_state IS 'State of the record: ACTIVE or ARCHIVED (RecordState).';
COMMENT ON COLUMN public.current_security_findings.compliance_status IS 'Result of a control''s check: PASSED, WARNING, FAILED or NOT_AVAILABLE (Compliance.Status). Null: the finding comes from no control.';
COMMENT ON COLUMN public.current_security_findings.security_control_id IS 'Control that was checked, across standards, such as S3.5 (Compliance.SecurityControlId). Null: the finding comes from no control.';
COMMENT ON COLUMN public.current_security_findings.associated_standards IS 'JSON array of the enabled standards that the control belongs to, such as standards/aws-foundational-security-best-practices/v/1.0.0 (Compliance.AssociatedStandards, StandardsId).';
COMMENT ON COLUMN public.current_security_findings.resource_type IS 'Type of the first resource, such as AwsS3Bucket (Resources[0].Type). Null: the finding names no resource.';
COMMENT ON COLUMN public.current_security_findings.resource_id IS 'Identifier of the first resource, mostly its ARN (Resources[0].Id). Null: the finding names no resource.';
COMMENT ON COLUMN public.current_security_findings.resource_count IS 'Number of resources that the finding names, at most 32 (Resources).';
COMMENT ON COLUMN public.current_security_findings.resources IS 'JSON array of all resources: Id, Type, Partition, Region, ResourceRole, ApplicationArn, ApplicationName and Tags (Resources). Their Details are left out: they repeat the configuration of the resource and can hold environment variables. A tag whose value may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN public.current_security_findings.vulnerabilities IS 'JSON array of vulnerabilities: identifier, packages, scores and fixes (Vulnerabilities). Null: the finding names none.';
COMMENT ON COLUMN public.current_security_findings.product_fields IS 'JSON object of what the product adds to the format (ProductFields). A value that may be a secret is [redacted] by the spoke.';
COMMENT ON COLUMN public.current_security_findings.remediation_text IS 'What to do about the finding (Remediation.Recommendation.Text).';
COMMENT ON COLUMN public.current_security_findings.remediation_url IS 'Page that explains what to do (Remediation.Recommendation.Url).';
COMMENT ON COLUMN public.current_security_findings.first_observed_at IS 'When the product first observed the issue (FirstObservedAt).';
COMMENT ON COLUMN public.current_security_findings.last_observed_at IS 'When the product last observed a change of the resource (LastObservedAt).';
COMMENT ON COLUMN public.current_security_findings.finding_created_at IS 'When the product created the finding (CreatedAt).';
COMMENT ON COLUMN public.current_security_findings.finding_updated_at IS 'When the product last updated the finding; a change of workflow_status does not move it (UpdatedAt).';
COMMENT ON COLUMN public.current_security_findings.sample IS 'Whether the finding is a sample, made to look at (Sample). Null: AWS does not say, and it is none. Views and queries of open findings leave samples out.';
COMMENT ON COLUMN public.current_security_findings.compliance_reasons IS 'JSON array of reasons for compliance_status: ReasonCode and Description (Compliance.StatusReasons). Null: none are given.';
COMMENT ON COLUMN public.current_security_findings.finding_account_name IS 'Name of the account that the finding is about (AwsAccountName). Null: AWS does not say.';
COMMENT ON COLUMN public.current_security_findings.collected_at IS 'Start of the run that last named the row.';
CREATE VIEW public.current_service_costs AS
 SELECT service_costs.account_id,
    service_costs.region,
    service_costs.usage_date,
    service_costs.service,
    service_costs.usage_region,
    service_costs.unblended_cost,
    service_costs.net_unblended_cost,
    service_costs.amortized_cost,
    service_costs.net_amortized_cost,
    service_costs.blended_cost,
    service_costs.currency,
    service_costs.usage_quantity,
    service_costs.usage_unit,
    service_costs.normalized_usage,
    service_costs.estimated,
    service_costs.collected_at
   FROM obs.service_costs
  WHERE (service_costs.deleted_at IS NULL);
COMMENT ON VIEW public.current_service_costs IS 'Rows of service_costs that are not gone. ServiceCost is what one account used of one AWS service in one region on one day. Columns come from Cost Explorer, GetCostAndUsage by DAY, grouped by SERVICE and REGION and limited to the account itself, so that the costs of member accounts are not counted again in their organization''s management account. All record types are included: usage, tax, refunds, credits.
A day is complete about 24 hours after its end and AWS restates it until the month is invoiced. Each run therefore replaces every day from the first of the previous month to yesterday, 28 to 61 days, lines that disappeared included; what AWS changes later is not seen. Amounts are exact to 10 decimals: a day with a cost that is not is incomplete, and that line is not replaced.';
COMMENT ON COLUMN public.current_service_costs.account_id IS 'AWS account in which the row was collected.';
COMMENT ON COLUMN public.current_service_costs.region IS 'AWS region in which the row was collected; global for services without regions.';
COMMENT ON COLUMN public.current_service_costs.usage_date IS 'Day of the usage in UTC (TimePeriod.Start).';
COMMENT ON COLUMN public.current_service_costs.service IS 'Service, by its name in Cost Explorer, such as Amazon Simple Storage Service (group key SERVICE).';
COMMENT ON COLUMN public.current_service_costs.usage_region IS 'Region of the usage; global and NoRegion as Cost Explorer writes them (group key REGION).';
COMMENT ON COLUMN public.current_service_costs.unblended_cost IS 'Cost as it is charged on the day of the usage (UnblendedCost).';
COMMENT ON COLUMN public.current_service_costs.net_unblended_cost IS 'Unblended cost after discounts that AWS agreed on (NetUnblendedCost). Null: AWS does not report it.';
COMMENT ON COLUMN public.current_service_costs.amortized_cost IS 'Cost with upfront and recurring fees of reservations and Savings Plans spread over their term (AmortizedCost).';
COMMENT ON COLUMN public.current_service_costs.net_amortized_cost IS 'Amortized cost after discounts that AWS agreed on (NetAmortizedCost). Null: AWS does not report it.';
COMMENT ON COLUMN public.current_service_costs.blended_cost IS 'Cost at the average rate of the organization (BlendedCost).';
COMMENT ON COLUMN public.current_service_costs.currency IS 'Currency of the costs, such as USD (Unit of UnblendedCost).';
COMMENT ON COLUMN public.current_service_costs.usage_quantity IS 'Sum of the usage (UsageQuantity). It means something only for services with one unit: AWS adds hours and gigabytes up. Null: AWS reports none, or one that has no exact decimal here.';
COMMENT ON COLUMN public.current_service_costs.usage_unit IS 'Unit of usage_quantity (Unit of UsageQuantity). Null: N/A, the units are mixed.';
COMMENT ON COLUMN public.current_service_costs.normalized_usage IS 'Instance hours in units of a small instance (NormalizedUsageAmount). 0 for services without instance sizes. Null: as of usage_quantity.';
COMMENT ON COLUMN public.current_service_costs.estimated IS 'Whether AWS may still restate the day (Estimated).';
COMMENT ON COLUMN public.current_service_costs.collected_at IS 'Start of the run that last changed the row.';
CREATE VIEW public.findings_horizon AS
 SELECT s.account_id,
    s.region,
    (r.collected_at - '26:00:00'::interval) AS horizon
   FROM (hub.scope s
     JOIN hub.run r ON (((r.scope = s.scope) AND (r.run = s.complete_run))))
  WHERE (s.category = 'security_findings'::text);
COMMENT ON VIEW public.findings_horizon IS 'Which security findings still exist, a row per account and region that was collected completely once: those that were collected at the horizon or later.';
COMMENT ON COLUMN public.findings_horizon.account_id IS 'Account in which findings were collected.';
COMMENT ON COLUMN public.findings_horizon.region IS 'Region in which findings were collected.';
COMMENT ON COLUMN public.findings_horizon.horizon IS '26 hours before the start of the newest complete run. Each finding that there was is named at least every 24 hours: Security Hub has deleted the ones that were collected earlier.';
CREATE MATERIALIZED VIEW public.findings_summary AS
 WITH seen AS NOT MATERIALIZED (
         SELECT security_findings.account_id,
            security_findings.region,
            security_findings.row_key,
            security_findings.row_hash,
            security_findings.run_id,
            security_findings.collected_at,
            security_findings.deleted_at,
            security_findings.finding_id,
            security_findings.product_arn,
            security_findings.product_name,
            security_findings.company_name,
            security_findings.generator_id,
            security_findings.finding_account_id,
            security_findings.finding_region,
            security_findings.title,
            security_findings.description,
            security_findings.finding_types,
            security_findings.severity_label,
            security_findings.severity_normalized,
            security_findings.severity_original,
            security_findings.workflow_status,
            security_findings.record_state,
            security_findings.compliance_status,
            security_findings.security_control_id,
            security_findings.associated_standards,
            security_findings.resource_type,
            security_findings.resource_id,
            security_findings.resource_count,
            security_findings.resources,
            security_findings.vulnerabilities,
            security_findings.product_fields,
            security_findings.remediation_text,
            security_findings.remediation_url,
            security_findings.first_observed_at,
            security_findings.last_observed_at,
            security_findings.finding_created_at,
            security_findings.finding_updated_at,
            security_findings.sample,
            security_findings.compliance_reasons,
            security_findings.finding_account_name,
            findings_horizon.horizon,
            COALESCE(security_findings.finding_region, security_findings.region) AS home_region,
            COALESCE(((security_findings.account_id = security_findings.finding_account_id) AND (security_findings.region = COALESCE(security_findings.finding_region, security_findings.region))), false) AS is_home
           FROM (obs.security_findings
             LEFT JOIN public.findings_horizon USING (account_id, region))
          WHERE ((security_findings.deleted_at IS NULL) AND ((security_findings.collected_at < findings_horizon.horizon) IS NOT TRUE) AND (security_findings.sample IS NOT TRUE))
        ), away_only AS (
         SELECT DISTINCT ON (seen.finding_account_id, seen.home_region, seen.product_arn, seen.finding_id) seen.finding_account_id,
            seen.home_region,
            seen.product_name,
            seen.severity_label,
            seen.workflow_status,
            seen.record_state,
            seen.compliance_status,
            seen.first_observed_at,
            seen.finding_updated_at
           FROM seen
          WHERE ((NOT seen.is_home) AND (NOT (EXISTS ( SELECT
                   FROM seen home
                  WHERE (home.is_home AND (home.account_id = seen.finding_account_id) AND (home.region = seen.home_region) AND (home.product_arn = seen.product_arn) AND (home.finding_id = seen.finding_id))))))
          ORDER BY seen.finding_account_id, seen.home_region, seen.product_arn, seen.finding_id, (seen.account_id = seen.finding_account_id) DESC, seen.collected_at DESC, seen.row_key
        ), finding AS (
         SELECT seen.finding_account_id,
            seen.home_region,
            seen.product_name,
            seen.severity_label,
            seen.workflow_status,
            seen.record_state,
            seen.compliance_status,
            seen.first_observed_at,
            seen.finding_updated_at
           FROM seen
          WHERE seen.is_home
        UNION ALL
         SELECT away_only.finding_account_id,
            away_only.home_region,
            away_only.product_name,
            away_only.severity_label,
            away_only.workflow_status,
            away_only.record_state,
            away_only.compliance_status,
            away_only.first_observed_at,
            away_only.finding_updated_at
           FROM away_only
        ), labelled AS (
         SELECT "left"(finding.finding_account_id, 32) AS account_id,
            "left"(finding.home_region, 32) AS region,
            "left"(COALESCE(finding.product_name, 'UNKNOWN'::text), 128) AS product_name,
            "left"(COALESCE(finding.severity_label, 'UNKNOWN'::text), 32) AS severity,
            "left"(COALESCE(finding.workflow_status, 'UNKNOWN'::text), 32) AS workflow_status,
            "left"(COALESCE(finding.record_state, 'UNKNOWN'::text), 32) AS record_state,
            "left"(COALESCE(finding.compliance_status, 'NONE'::text), 32) AS compliance_status,
            finding.first_observed_at,
            finding.finding_updated_at
           FROM finding
        )
 SELECT labelled.account_id,
    labelled.region,
    labelled.product_name,
    labelled.severity,
    labelled.workflow_status,
    labelled.record_state,
    labelled.compliance_status,
    ((labelled.record_state <> 'ARCHIVED'::text) AND (labelled.workflow_status <> ALL (ARRAY['RESOLVED'::text, 'SUPPRESSED'::text])) AND (labelled.compliance_status <> 'PASSED'::text)) AS is_open,
    count(*) AS findings,
    min(labelled.first_observed_at) AS first_observed_at,
    max(labelled.finding_updated_at) AS last_updated_at
   FROM labelled
  GROUP BY labelled.account_id, labelled.region, labelled.product_name, labelled.severity, labelled.workflow_status, labelled.record_state, labelled.compliance_status
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW public.findings_summary IS 'Number of security findings by account, region, product, severity and state. These are totals of what there is now, not of what changed; each finding counts once, in the account and region that it is about. Findings that Security Hub has deleted are left out as soon as another finding changes; samples always are.';
COMMENT ON COLUMN public.findings_summary.account_id IS 'Account that the findings are about, whichever account saw them.';
COMMENT ON COLUMN public.findings_summary.region IS 'Region that the findings are about.';
COMMENT ON COLUMN public.findings_summary.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN public.findings_summary.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: the finding does not say.';
COMMENT ON COLUMN public.findings_summary.workflow_status IS 'NEW, NOTIFIED, RESOLVED or SUPPRESSED; UNKNOWN: the finding does not say.';
COMMENT ON COLUMN public.findings_summary.record_state IS 'ACTIVE or ARCHIVED; UNKNOWN: the finding does not say.';
COMMENT ON COLUMN public.findings_summary.compliance_status IS 'PASSED, WARNING, FAILED or NOT_AVAILABLE; NONE: the findings come from no control.';
COMMENT ON COLUMN public.findings_summary.is_open IS 'Whether somebody has to act: neither archived, resolved, suppressed nor passed. An unknown state counts as open.';
COMMENT ON COLUMN public.findings_summary.findings IS 'Number of findings.';
COMMENT ON COLUMN public.findings_summary.first_observed_at IS 'When the oldest of the findings was first observed. Null: none says.';
COMMENT ON COLUMN public.findings_summary.last_updated_at IS 'When one of the findings was last updated. Null: none says.';
CREATE TABLE public.hub_schema_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.hub_schema_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.hub_schema_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW public.needs_attention AS
 WITH fact AS (
         SELECT f.row_key,
            f.issue,
            f.account_id,
            f.region,
            f.kind,
            f.resource_arn,
            f.resource_name,
            f.due_at,
            f.in_use,
            (floor((EXTRACT(epoch FROM (f.due_at - now())) / (86400)::numeric)))::integer AS days_left,
            to_char((f.due_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD'::text) AS day
           FROM public.attention_facts f
          WHERE
                CASE f.issue
                    WHEN 'certificate_expiry'::text THEN (f.due_at < (now() + '45 days'::interval))
                    WHEN 'key_material_expiry'::text THEN (f.due_at < (now() + '45 days'::interval))
                    WHEN 'key_rotation_overdue'::text THEN (f.due_at < (now() - '1 day'::interval))
                    WHEN 'secret_rotation_overdue'::text THEN (f.due_at < (now() - '1 day'::interval))
                    ELSE true
                END
        ), judged AS (
         SELECT f.row_key,
            f.issue,
            f.account_id,
            f.region,
            f.kind,
            f.resource_arn,
            f.resource_name,
            f.due_at,
            f.in_use,
            f.days_left,
            f.day,
                CASE f.issue
                    WHEN 'certificate_expiry'::text THEN
                    CASE
                        WHEN (f.in_use = false) THEN 'LOW'::text
                        WHEN (f.days_left < 7) THEN 'CRITICAL'::text
                        WHEN (f.days_left < 30) THEN 'HIGH'::text
                        ELSE 'MEDIUM'::text
                    END
                    WHEN 'certificate_not_renewable'::text THEN 'LOW'::text
                    WHEN 'certificate_revoked'::text THEN
                    CASE
                        WHEN (f.in_use = false) THEN 'LOW'::text
                        ELSE 'CRITICAL'::text
                    END
                    WHEN 'key_pending_deletion'::text THEN
                    CASE
                        WHEN (f.days_left < 7) THEN 'CRITICAL'::text
                        ELSE 'HIGH'::text
                    END
                    WHEN 'key_material_expiry'::text THEN
                    CASE
                        WHEN (f.days_left < 7) THEN 'CRITICAL'::text
                        ELSE 'HIGH'::text
                    END
                    WHEN 'key_unavailable'::text THEN 'HIGH'::text
                    WHEN 'key_unknown'::text THEN 'LOW'::text
                    WHEN 'key_rotation_off'::text THEN 'MEDIUM'::text
                    WHEN 'key_rotation_overdue'::text THEN 'MEDIUM'::text
                    WHEN 'key_rotation_unknown'::text THEN 'LOW'::text
                    WHEN 'secret_pending_deletion'::text THEN 'HIGH'::text
                    WHEN 'secret_rotation_off'::text THEN 'MEDIUM'::text
                    WHEN 'secret_rotation_not_set_up'::text THEN 'LOW'::text
                    WHEN 'secret_rotation_overdue'::text THEN 'HIGH'::text
                    ELSE NULL::text
                END AS severity,
                CASE f.issue
                    WHEN 'certificate_expiry'::text THEN (
                    CASE
                        WHEN (f.days_left < 0) THEN 'expired on '::text
                        ELSE 'expires on '::text
                    END || f.day)
                    WHEN 'certificate_not_renewable'::text THEN ('in use, but ACM cannot renew it'::text || COALESCE(('; expires on '::text || f.day), ''::text))
                    WHEN 'certificate_revoked'::text THEN ('revoked'::text || COALESCE((' on '::text || f.day), ''::text))
                    WHEN 'key_pending_deletion'::text THEN (('will be deleted'::text || COALESCE((' after '::text || f.day), ''::text)) || ', and nothing that it encrypted can be read then'::text)
                    WHEN 'key_material_expiry'::text THEN (
                    CASE
                        WHEN (f.days_left < 0) THEN 'imported key material expired on '::text
                        ELSE 'imported key material expires on '::text
                    END || f.day)
                    WHEN 'key_unavailable'::text THEN 'cannot be used: its key store is not connected'::text
                    WHEN 'key_unknown'::text THEN 'not known: its description was denied'::text
                    WHEN 'key_rotation_off'::text THEN 'is not rotated'::text
                    WHEN 'key_rotation_overdue'::text THEN ('should have been rotated by '::text || f.day)
                    WHEN 'key_rotation_unknown'::text THEN 'not known whether it is rotated: the answer was denied or missing'::text
                    WHEN 'secret_pending_deletion'::text THEN (('will be deleted; can be restored until '::text || f.day) || ' at least'::text)
                    WHEN 'secret_rotation_off'::text THEN 'rotation was turned off'::text
                    WHEN 'secret_rotation_not_set_up'::text THEN 'rotation was never set up'::text
                    WHEN 'secret_rotation_overdue'::text THEN ('should have been rotated by '::text || f.day)
                    ELSE NULL::text
                END AS reason
           FROM fact f
        )
 SELECT judged.account_id,
    judged.region,
    judged.kind,
    judged.resource_name,
    judged.resource_arn,
    judged.severity,
    array_position(ARRAY['CRITICAL'::text, 'HIGH'::text, 'MEDIUM'::text, 'LOW'::text], judged.severity) AS severity_order,
    judged.issue,
    judged.reason,
    judged.due_at,
    judged.days_left,
    judged.in_use
   FROM judged;
COMMENT ON VIEW public.needs_attention IS 'Certificates, KMS keys and secrets that somebody has to look after now, a row per resource and issue: expired or expiring within 45 days, not renewable, revoked, pending deletion, not rotated, overdue, or not known.';
COMMENT ON COLUMN public.needs_attention.account_id IS 'Account of the resource.';
COMMENT ON COLUMN public.needs_attention.region IS 'Region of the resource.';
COMMENT ON COLUMN public.needs_attention.kind IS 'certificate, kms_key or secret.';
COMMENT ON COLUMN public.needs_attention.resource_name IS 'Domain name of the certificate, first alias or id of the key, name of the secret.';
COMMENT ON COLUMN public.needs_attention.resource_arn IS 'ARN of the resource.';
COMMENT ON COLUMN public.needs_attention.severity IS 'CRITICAL, HIGH, MEDIUM or LOW. A certificate that is not in use is LOW; one of which that is not known counts as in use.';
COMMENT ON COLUMN public.needs_attention.severity_order IS '1 for CRITICAL to 4 for LOW, to sort by.';
COMMENT ON COLUMN public.needs_attention.issue IS 'What is wrong, as a code.';
COMMENT ON COLUMN public.needs_attention.reason IS 'What is wrong, for people.';
COMMENT ON COLUMN public.needs_attention.due_at IS 'When it happens or happened, or had to. Null: no date belongs to the issue, or it is not known.';
COMMENT ON COLUMN public.needs_attention.days_left IS 'Whole days from now to due_at, negative after it.';
COMMENT ON COLUMN public.needs_attention.in_use IS 'Whether the certificate is in use. Null: not known, or not a certificate.';
CREATE TABLE public.obs_schema_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.obs_schema_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.obs_schema_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW public.open_findings AS
 SELECT findings_summary.account_id,
    findings_summary.region,
    (COALESCE(sum(findings_summary.findings) FILTER (WHERE (findings_summary.severity = 'CRITICAL'::text)), (0)::numeric))::bigint AS critical,
    (COALESCE(sum(findings_summary.findings) FILTER (WHERE (findings_summary.severity = 'HIGH'::text)), (0)::numeric))::bigint AS high,
    (COALESCE(sum(findings_summary.findings) FILTER (WHERE (findings_summary.severity = 'MEDIUM'::text)), (0)::numeric))::bigint AS medium,
    (COALESCE(sum(findings_summary.findings) FILTER (WHERE (findings_summary.severity = 'LOW'::text)), (0)::numeric))::bigint AS low,
    (COALESCE(sum(findings_summary.findings) FILTER (WHERE (findings_summary.severity = 'INFORMATIONAL'::text)), (0)::numeric))::bigint AS informational,
    (COALESCE(sum(findings_summary.findings) FILTER (WHERE (findings_summary.severity <> ALL (ARRAY['CRITICAL'::text, 'HIGH'::text, 'MEDIUM'::text, 'LOW'::text, 'INFORMATIONAL'::text]))), (0)::numeric))::bigint AS unknown,
    (sum(findings_summary.findings))::bigint AS findings,
    min(findings_summary.first_observed_at) AS first_observed_at
   FROM public.findings_summary
  WHERE findings_summary.is_open
  GROUP BY findings_summary.account_id, findings_summary.region;
COMMENT ON VIEW public.open_findings IS 'Number of open security findings by account and region, a column per severity. Open: neither archived, resolved, suppressed nor passed.';
COMMENT ON COLUMN public.open_findings.account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN public.open_findings.region IS 'Region that the findings are about.';
COMMENT ON COLUMN public.open_findings.critical IS 'Open findings of severity CRITICAL.';
COMMENT ON COLUMN public.open_findings.high IS 'Open findings of severity HIGH.';
COMMENT ON COLUMN public.open_findings.medium IS 'Open findings of severity MEDIUM.';
COMMENT ON COLUMN public.open_findings.low IS 'Open findings of severity LOW.';
COMMENT ON COLUMN public.open_findings.informational IS 'Open findings of severity INFORMATIONAL.';
COMMENT ON COLUMN public.open_findings.unknown IS 'Open findings of any other severity, or none.';
COMMENT ON COLUMN public.open_findings.findings IS 'Open findings of all severities.';
COMMENT ON COLUMN public.open_findings.first_observed_at IS 'When the oldest open finding was first observed. Null: none says.';
CREATE VIEW public.view_status AS
 WITH waiting AS (
         SELECT d.view,
            min(m.marked_at) AS since
           FROM (hub.dirty m
             JOIN hub.view_dependency d ON ((d.relation = (to_regclass(format('obs.%I'::text, m.table_name)))::oid)))
          GROUP BY d.view
        )
 SELECT r.view_name,
    r.refreshed_at,
    r.duration_ms,
    r.refreshes,
    w.since AS waiting_since,
    r.error,
    r.error_at,
    ((r.error IS NOT NULL) OR (r.refreshed_at IS NULL) OR (to_regclass(r.view_name) IS NULL) OR COALESCE((w.since < (now() - '00:05:00'::interval)), false)) AS red
   FROM (hub.view_refresh r
     LEFT JOIN waiting w ON ((w.view = (to_regclass(r.view_name))::oid)));
COMMENT ON VIEW public.view_status IS 'Whether the materialized views are up to date. Red: the last refresh failed, or there was none, or a change has waited for five minutes.';
COMMENT ON COLUMN public.view_status.view_name IS 'Materialized view, with its schema.';
COMMENT ON COLUMN public.view_status.refreshed_at IS 'End of the last refresh that succeeded. A view whose tables do not change is not refreshed.';
COMMENT ON COLUMN public.view_status.duration_ms IS 'Duration of that refresh in milliseconds. Null: the view is as it was installed.';
COMMENT ON COLUMN public.view_status.refreshes IS 'Number of refreshes since the view was installed.';
COMMENT ON COLUMN public.view_status.waiting_since IS 'When the oldest change was made that the view does not show. Null: it shows all.';
COMMENT ON COLUMN public.view_status.error IS 'Why the last refresh failed. Null: it did not.';
COMMENT ON COLUMN public.view_status.error_at IS 'When it failed.';
COMMENT ON COLUMN public.view_status.red IS 'Whether somebody has to look after the view.';
INSERT INTO hub.dirty OVERRIDING SYSTEM VALUE VALUES (1, 'service_costs', '2026-11-29 20:18:59.972892+00');
INSERT INTO hub.dirty OVERRIDING SYSTEM VALUE VALUES (2, 'certificates', '2026-11-29 20:19:00.041412+00');
INSERT INTO hub.installed_view VALUES ('public.current_certificates', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.current_ec2_instances', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.current_kms_keys', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.current_secrets', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.current_security_findings', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.current_service_costs', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.findings_horizon', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.findings_summary', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.open_findings', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.cost_monthly', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.attention_facts', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.needs_attention', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.scope_status', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.freshness', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.collection_status', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.installed_view VALUES ('public.view_status', 'd90cb8a107158f3874983b5c02ce6820b0f5abd1856759b9dd51db569070b214', '2026-11-29 20:18:58.320432+00');
INSERT INTO hub.run VALUES ('9b3f604a-b12d-9c4d-9197-f454185b5902', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', 'ok', '', 1, 35, 1, 0, 35, 0, 35, 6222088924458310642, 35, 0, 0, '2026-11-29 20:18:59.972892+00', '2026-11-29 20:18:59.972892+00');
INSERT INTO hub.run VALUES ('3d83dec5-86b5-09f5-38ab-627149ae5c72', '01a228f5-635f-7e6e-b653-3af6eee45140', '2026-11-29 20:18:20.127+00', 'ok', '', 1, 22, 1, 0, 22, 0, 22, -1910157596368562900, 0, 0, 0, '2026-11-29 20:19:00.041412+00', '2026-11-29 20:19:00.041412+00');
INSERT INTO hub.run VALUES ('3d83dec5-86b5-09f5-38ab-627149ae5c72', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', 'ok', '', 1, 22, 1, 0, 22, 0, 22, -1910157596368562900, 22, 0, 0, '2026-11-29 20:19:00.041412+00', '2026-11-29 20:19:00.041412+00');
INSERT INTO hub.run_part VALUES ('9b3f604a-b12d-9c4d-9197-f454185b5902', '01a228f5-60c0-7127-957b-411741c5d973', 0, '\x1cd771c533e33d295d1c4d46d0918c7d52f7977b2b48ed3a777da79f3f118c09', 35, NULL);
INSERT INTO hub.run_part VALUES ('3d83dec5-86b5-09f5-38ab-627149ae5c72', '01a228f5-635f-7e6e-b653-3af6eee45140', 0, '\xcac59e6a9a5fb2a66ee7ecf5de9e30ff58ce38059b8caa47f3b455cc86e8a882', 22, NULL);
INSERT INTO hub.run_part VALUES ('3d83dec5-86b5-09f5-38ab-627149ae5c72', '01a228f5-7fb8-7d9d-a328-dada49fcb019', 0, '\x1134e79ec7833ccd2e2ccc44cf25a0f5743ce26ccb26112e51d5c4cb95737d4d', 22, NULL);
INSERT INTO hub.scope VALUES ('9b3f604a-b12d-9c4d-9197-f454185b5902', 'service_costs', '100005876319', 'global', '2026-11-22', '01a228f5-60c0-7127-957b-411741c5d973', 35, 6222088924458310642, NULL);
INSERT INTO hub.scope VALUES ('3d83dec5-86b5-09f5-38ab-627149ae5c72', 'certificates', '100005876319', 'eu-central-1', '', '01a228f5-7fb8-7d9d-a328-dada49fcb019', 22, -1910157596368562900, NULL);
INSERT INTO hub.view_refresh VALUES ('public.findings_summary', '2026-11-29 20:18:58.320432+00', NULL, 0, NULL, NULL);
INSERT INTO hub.view_refresh VALUES ('public.cost_monthly', '2026-11-29 20:18:58.320432+00', NULL, 0, NULL, NULL);
INSERT INTO hub.view_refresh VALUES ('public.attention_facts', '2026-11-29 20:18:58.320432+00', NULL, 0, NULL, NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-0098-519c-3f3ad53c3d70', '56775bae-ecab-76c3-f8ef-5909f6377df2', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/00cafafb-3d40-4cf4-a640-f3ffa69265f5', 'api-1fbe.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'EC_prime256v1', 'AWS_MANAGED', NULL, true, '["api-1fbe.payments-production.example.com", "www.api-1fbe.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-01-20 09:11:08.99+00', '2026-01-20 09:12:08.99+00', NULL, '2026-01-20 09:12:08.99+00', '2027-02-19 09:12:08.99+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-009d-2ee0-d9d412c1a214', '84087cbb-6138-e723-8c94-f4b2d42aeaf9', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/ff01a55a-10e6-4df6-a2f0-81ebcc4920e6', 'ledger-db86.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_4096', 'AWS_MANAGED', NULL, true, '["ledger-db86.payments-production.example.com", "www.ledger-db86.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-09-06 18:52:43.001+00', '2026-09-06 18:53:43.001+00', NULL, '2026-09-06 18:53:43.001+00', '2027-10-06 18:53:43.001+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-060e-1d75-16bb3013d523', 'eacdb948-4ffa-2edd-4082-d408060b837d', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/a566a1e5-d4f8-4d5b-aa57-1046bfd148d6', 'orders-ee91.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'EC_secp384r1', 'AWS_MANAGED', NULL, true, '["orders-ee91.payments-production.example.com", "www.orders-ee91.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-10-11 06:00:09.77+00', '2026-10-11 06:01:09.77+00', NULL, '2026-10-11 06:01:09.77+00', '2027-11-10 06:01:09.77+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-18da-2d1f-d3ca33eead3c', '71f08502-bfea-8420-3fb4-ed293375b1ed', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/18617cca-fbd0-4cef-a50d-8b18a497adc4', 'api-275f.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'EC_secp384r1', 'AWS_MANAGED', NULL, false, '["api-275f.payments-production.example.com", "www.api-275f.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-08-05 12:05:19.924+00', '2026-08-05 12:06:19.924+00', NULL, '2026-08-05 12:06:19.924+00', '2027-09-04 12:06:19.924+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-1c61-08e5-e804b119783c', '3d37daa9-ffea-4024-df6d-0a926ac838c1', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/0da687a5-b8a3-4421-a80f-8ce616666db8', 'cache-4267.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'EC_prime256v1', 'AWS_MANAGED', NULL, true, '["cache-4267.payments-production.example.com", "www.cache-4267.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-01-18 10:47:08.709+00', '2026-01-18 10:48:08.709+00', NULL, '2026-01-18 10:48:08.709+00', '2027-02-17 10:48:08.709+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-304b-b829-fbba9d95cf4a', '75c11f35-2d47-1bf6-7212-45e2a324ca3b', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/2db3d63e-6d57-4ccb-a97e-286e0b4cebd5', 'ledger-8a39.payments-production.example.com', 'ISSUED', 'PRIVATE', 'EC_prime256v1', 'AWS_MANAGED', NULL, true, '["ledger-8a39.payments-production.example.com", "www.ledger-8a39.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'INELIGIBLE', 'ENABLED', false, '2025-12-14 13:19:32.948+00', NULL, NULL, '2025-12-14 13:19:32.948+00', '2027-01-13 13:19:32.948+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-3629-8173-e5a825827e36', '406333d4-8889-ad9f-1c91-93f0e23e5330', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/3f5f9a7b-82cf-466f-a73a-5cb6da90f82e', 'orders-d449.payments-production.example.com', 'ISSUED', 'PRIVATE', 'RSA_2048', 'AWS_MANAGED', NULL, false, '["orders-d449.payments-production.example.com", "www.orders-d449.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'INELIGIBLE', 'ENABLED', false, '2026-05-09 03:44:45.841+00', NULL, NULL, '2026-05-09 03:44:45.841+00', '2027-06-08 03:44:45.841+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-4382-fc5f-316815a10894', 'bb20b9ca-4deb-3581-aaa5-e47efc3d15c4', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/8c1730e5-588b-4e12-a08c-db0fd17ddf66', 'ledger-0520.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'EC_secp384r1', 'AWS_MANAGED', NULL, true, '["ledger-0520.payments-production.example.com", "www.ledger-0520.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-03-13 21:08:34.247+00', '2026-03-13 21:09:34.247+00', NULL, '2026-03-13 21:09:34.247+00', '2027-04-12 21:09:34.247+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-4392-c5e3-39edad307c40', '427347e6-1bd9-cc4f-849a-46a83e44ffac', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/1706c2b5-939f-4e61-a291-ba28c217ac0e', 'mailer-d095.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_2048', 'AWS_MANAGED', NULL, true, '["mailer-d095.payments-production.example.com", "www.mailer-d095.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-09-01 01:06:36.762+00', '2026-09-01 01:07:36.762+00', NULL, '2026-09-01 01:07:36.762+00', '2027-10-01 01:07:36.762+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-46e3-483a-109c97652b1c', 'd6735559-d726-ef5d-333d-c891fd64355e', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/8ca557bb-fdc0-4e8f-ad8a-eae2f80e89aa', 'web-b95d.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_2048', 'AWS_MANAGED', NULL, true, '["web-b95d.payments-production.example.com", "www.web-b95d.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2025-11-26 18:56:56+00', '2025-11-26 18:57:56+00', NULL, '2025-11-26 18:57:56+00', '2026-12-26 18:57:56+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-739b-b875-1ab3fb52f0a6', '4a5fe305-6277-ee8d-e5ea-e913b7fda8ea', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/8efb5d9f-e15a-442e-ae54-b13ffa4c733e', 'billing-4e16.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_4096', 'AWS_MANAGED', NULL, true, '["billing-4e16.payments-production.example.com", "www.billing-4e16.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2025-10-30 20:20:25+00', '2025-10-30 20:21:25+00', NULL, '2025-10-30 20:21:25+00', '2026-11-29 20:21:25+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-802c-52a3-df1c1fb0b62c', 'c9ef4e50-4355-4d4f-a028-4746115cfc0e', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/fc5ae075-d1ee-484a-a430-cfc478aca4fe', 'worker-eea3.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_2048', 'AWS_MANAGED', 'CLOUDFRONT', true, '["worker-eea3.payments-production.example.com", "www.worker-eea3.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-04-22 04:59:43.378+00', '2026-04-22 05:00:43.378+00', NULL, '2026-04-22 05:00:43.378+00', '2027-05-22 05:00:43.378+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-82a2-a69f-7af074566fcb', '61161d5c-d105-6e2d-1a12-fe2bbaab9125', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/6f3c0672-5d52-4dff-a3b9-d14ea4b1c5c5', 'web-fc2b.payments-production.example.com', 'ISSUED', 'IMPORTED', 'RSA_2048', 'CUSTOMER_PROVIDED', NULL, true, '["web-fc2b.payments-production.example.com", "www.web-fc2b.payments-production.example.com"]', true, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'INELIGIBLE', 'DISABLED', NULL, NULL, NULL, '2025-12-27 11:23:40.375+00', '2025-12-27 11:23:40.375+00', '2027-01-26 11:23:40.375+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-bbdb-3d45-fddd395cc18f', '06e28d1a-9708-a216-ca30-d02abf8ce14c', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/b539460a-529f-4adc-ac08-e510a2a77dc7', 'gateway-5c98.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_2048', 'AWS_MANAGED', 'CLOUDFRONT', true, '["gateway-5c98.payments-production.example.com", "www.gateway-5c98.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-05-22 00:35:45.21+00', '2026-05-22 00:36:45.21+00', NULL, '2026-05-22 00:36:45.21+00', '2027-06-21 00:36:45.21+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-c1a4-a3a8-d9a9ec772103', 'ec81ea8d-02b3-68ce-53cd-cc2e466257a7', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/965d72b1-8fbf-4ff1-a9bf-0baa7bfcbe94', 'reports-be9e.payments-production.example.com', 'ISSUED', 'IMPORTED', 'RSA_4096', 'CUSTOMER_PROVIDED', NULL, true, '["reports-be9e.payments-production.example.com", "www.reports-be9e.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'INELIGIBLE', 'DISABLED', NULL, NULL, NULL, '2025-10-30 20:21:00+00', '2025-10-30 20:21:00+00', '2026-11-29 20:21:00+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-df3c-c42c-0dbfd9067ceb', '94b64229-bb80-c81b-ac87-05b5214f53f2', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/aadf171e-0855-4738-a8c0-53c45406dd4f', 'api-914e.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_2048', 'AWS_MANAGED', NULL, true, '["api-914e.payments-production.example.com", "www.api-914e.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-11-18 07:11:06.49+00', '2026-11-18 07:12:06.49+00', NULL, '2026-11-18 07:12:06.49+00', '2027-12-18 07:12:06.49+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-e270-cc58-f6401db0298d', '2cbb9524-6ec6-acd8-ee1c-7c4ccae34b78', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/48cbbee9-9285-4283-a754-c1583538d507', 'ingest-ecc7.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'EC_prime256v1', 'AWS_MANAGED', NULL, false, '["ingest-ecc7.payments-production.example.com", "www.ingest-ecc7.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-10-22 13:26:00.611+00', '2026-10-22 13:27:00.611+00', NULL, '2026-10-22 13:27:00.611+00', '2027-11-21 13:27:00.611+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-f151-f455-4fea6b5ce79f', '282a3bae-1624-dcd3-fa1c-9436a0749ea9', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/9ce5383c-4e6d-4623-a225-f0816619d81e', 'cache-d9d8.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'EC_secp384r1', 'AWS_MANAGED', NULL, false, '["cache-d9d8.payments-production.example.com", "www.cache-d9d8.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-09-14 10:14:08.41+00', '2026-09-14 10:15:08.41+00', NULL, '2026-09-14 10:15:08.41+00', '2027-10-14 10:15:08.41+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-f220-c631-8a79954ad521', '706ec3ba-0888-441d-a0dd-0ec4cb4d82a7', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/cd13f79c-0d37-4da9-a5fd-f5bd4f54fe72', 'mailer-e302.payments-production.example.com', 'ISSUED', 'IMPORTED', 'RSA_2048', 'CUSTOMER_PROVIDED', NULL, true, '["mailer-e302.payments-production.example.com", "www.mailer-e302.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'INELIGIBLE', 'DISABLED', NULL, NULL, NULL, '2026-04-16 18:47:43.872+00', '2026-04-16 18:47:43.872+00', '2027-05-16 18:47:43.872+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-f314-58f0-e70ad3d7bd1d', '0e3b826f-697c-2706-67b3-b734c75afe5e', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/9375309e-ce17-4104-a8ed-46691f7dda08', 'ledger-9794.payments-production.example.com', 'ISSUED', 'AMAZON_ISSUED', 'RSA_4096', 'AWS_MANAGED', NULL, false, '["ledger-9794.payments-production.example.com", "www.ledger-9794.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'ELIGIBLE', 'DISABLED', NULL, '2026-02-13 00:00:58.645+00', '2026-02-13 00:01:58.645+00', NULL, '2026-02-13 00:01:58.645+00', '2027-03-15 00:01:58.645+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-f35f-a0dd-a8be76ea4de7', '04392bde-2265-b256-610b-5e14bab59a28', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/8165b3e2-12a9-4651-aa25-f8096f764b67', 'billing-2c5c.payments-production.example.com', 'ISSUED', 'PRIVATE', 'RSA_4096', 'AWS_MANAGED', NULL, true, '["billing-2c5c.payments-production.example.com", "www.billing-2c5c.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'INELIGIBLE', 'ENABLED', true, '2026-06-25 21:27:45.971+00', NULL, NULL, '2026-06-25 21:27:45.971+00', '2027-07-25 21:27:45.971+00', NULL);
INSERT INTO obs.certificates VALUES ('292129b6-b73f-f55c-facb-e6aa63883a30', '7569b93d-7637-e230-34ef-c78f88e6c147', '100005876319', 'eu-central-1', '01a228f5-7fb8-7d9d-a328-dada49fcb019', '2026-11-29 20:18:27.384+00', NULL, 'arn:aws:acm:eu-central-1:100005876319:certificate/e90c2dc9-9056-4225-a35b-419f7ca9e9f5', 'reports-0e0e.payments-production.example.com', 'EXPIRED', 'PRIVATE', 'RSA_2048', 'AWS_MANAGED', NULL, false, '["reports-0e0e.payments-production.example.com", "www.reports-0e0e.payments-production.example.com"]', false, '["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]', '["TLS_WEB_SERVER_AUTHENTICATION"]', 'INELIGIBLE', 'ENABLED', false, '2025-10-30 20:18:23+00', NULL, NULL, '2025-10-30 20:18:23+00', '2026-11-29 20:18:23+00', NULL);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-02cf-c308-a4c9b0396bab', '2e2e2d56-279e-629f-cab3-e7944690eae1', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Virtual Private Cloud', 'global', 21.3727885880, 19.8766933868, 21.8002443597, 20.3041491586, 21.3727885880, 'USD', 245.7870687617, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-0625-fa64-5ef8abab5c48', '63676e57-d9dc-377c-a5a6-5b10268e8c7b', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Security Hub', 'global', 10.7547810277, 10.0019463558, 10.9698766483, 10.2170419763, 10.7547810277, 'USD', 123.6799818186, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-0ce2-b82c-6c489e599870', 'b937476e-becd-c014-854c-d6b88f69284c', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Tax', 'eu-central-1', 3.2771499014, 3.0477494083, 3.3426928995, 3.1132924064, 3.2771499014, 'USD', 37.6872238664, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-0fde-9e90-e3c16e0d34c8', '3a68d504-a843-bbed-ceb9-0890d2924130', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Kinesis', 'eu-central-1', 2.2463483886, 2.0891040014, 2.2912753564, 2.1340309692, 2.2463483886, 'USD', 25.8330064692, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-121c-7089-9a98c718c3a1', 'd07e75e7-7ae8-e6b5-9682-badf348b72fb', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Key Management Service', 'global', 33.9509097769, 31.5743460925, 34.6299279724, 32.2533642880, 33.9509097769, 'USD', 390.4354624340, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-1239-ff52-3f5d734999fd', '2229f986-6675-0c96-95d3-172b3db4b8f4', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'EC2 - Other', 'us-east-1', 80.1176172963, 74.5093840856, 81.7199696423, 76.1117364315, 80.1176172963, 'USD', 921.3525989080, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-16f7-f06a-a2441ef3fcd3', 'd330515c-f61b-2f67-3ded-d3ba54465212', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon DynamoDB', 'us-east-1', 21.2652999459, 19.7767289496, 21.6906059448, 20.2020349486, 21.2652999459, 'USD', 244.5509493773, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-1c5d-d587-7d8a9d5895b7', '8210aa20-ceae-fd5c-666a-50d97d2d4ad1', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Secrets Manager', 'eu-central-1', 36.8928560486, 34.3103561252, 37.6307131695, 35.0482132461, 36.8928560486, 'USD', 424.2678445584, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-21e1-c1fc-4ef93786ade3', '13d6a58a-5eca-98eb-d367-1fb3363e567a', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon GuardDuty', 'global', 5.5123363439, 5.1264727998, 5.6225830707, 5.2367195267, 5.5123363439, 'USD', 63.3918679544, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-2734-2503-f5d7ea742c8e', '3f52cdcc-6d18-1a06-87a7-3897e89ab03e', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Security Hub', 'us-east-1', 0.3874864199, 0.3603623705, 0.3952361483, 0.3681120989, 0.3874864199, 'USD', 4.4560938289, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-2b77-839b-27bf462fca64', 'bb71a98e-fcd8-7765-8e8e-4d30aac644a1', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Security Hub', 'eu-central-1', 6.5274381096, 6.0705174419, 6.6579868718, 6.2010662041, 6.5274381096, 'USD', 75.0655382600, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-2d26-b0d0-52f22ff428fa', '0124769f-6a21-a694-ad7a-04ab105cb8b3', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'EC2 - Other', 'global', 20.2178022612, 18.8025561029, 20.6221583064, 19.2069121481, 20.2178022612, 'USD', 232.5047260033, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-2f02-3a5b-0ed941602b79', 'b1ee8cf2-3219-79b3-0963-a031da7a0cf1', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Secrets Manager', 'global', 33.4547683939, 31.1129346063, 34.1238637617, 31.7820299742, 33.4547683939, 'USD', 384.7298365294, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-2fc2-c9e4-c061481e874c', 'b0451b08-285d-7e21-8d1d-4417830f9bf3', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'EC2 - Other', 'eu-central-1', 50.2832078584, 46.7633833083, 51.2888720156, 47.7690474655, 50.2832078584, 'USD', 578.2568903719, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-38c9-5c5f-bd32bf81e1ac', '2c8964df-c620-5bd3-f52e-9e001cb3c5d3', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Relational Database Service', 'global', 27.4596912037, 25.5375128194, 28.0088850278, 26.0867066435, 27.4596912037, 'USD', 315.7864488424, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-42a2-e41f-e2321097420c', '1d2a129f-8d1a-2172-5c00-8b72cf0d017a', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Tax', 'us-east-1', 25.5671980885, 23.7774942223, 26.0785420503, 24.2888381841, 25.5671980885, 'USD', 294.0227780180, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-46f3-04a6-c7293d729dc4', '874d0309-eea9-a1c2-63ca-df6d206476cb', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon DynamoDB', 'eu-central-1', 24.5321718220, 22.8149197945, 25.0228152585, 23.3055632309, 24.5321718220, 'USD', 282.1199759533, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-4ffb-cd70-894309a52af0', 'ff002673-00ba-65a3-92f5-a55da4f0a6e5', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AmazonCloudWatch', 'us-east-1', 55.3084581937, 51.4368661201, 56.4146273576, 52.5430352840, 55.3084581937, 'USD', 636.0472692274, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-61c3-0d39-0236ace00388', '12b46099-df51-e9bc-8968-1b58e664e3e1', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Simple Storage Service', 'global', 35.7464678877, 33.2442151356, 36.4613972455, 33.9591444933, 35.7464678877, 'USD', 411.0843807088, 'GB-Mo', 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-69f1-dd3b-e8e1bd865fc0', 'acc12808-9a13-a672-35b1-875c00a4fa7c', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Elastic Load Balancing', 'eu-central-1', 80.8698790254, 75.2089874936, 82.4872766059, 76.8263850742, 80.8698790254, 'USD', 930.0036087924, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-6c9b-05fd-d2e0018b7cff', '2487a332-5325-6007-1aab-6653e4326130', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Lambda', 'eu-central-1', 84.8002032994, 78.8641890684, 86.4962073654, 80.5601931344, 84.8002032994, 'USD', 975.2023379428, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-74d8-a913-b5c1338cdcc0', '9676a6b0-1943-f407-2190-ada2e318c2fc', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon GuardDuty', 'eu-central-1', 13.4954268321, 12.5507469539, 13.7653353688, 12.8206554905, 13.4954268321, 'USD', 155.1974085692, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-800f-5664-50e80b42b419', 'c75eb1df-b435-c750-a3e7-c22bafc90054', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Elastic Load Balancing', 'us-east-1', 10.7912669496, 10.0358782631, 11.0070922885, 10.2517036021, 10.7912669496, 'USD', 124.0995699199, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-83ff-27e6-5b838e456181', '02aaabc2-927c-e474-17a0-fc41510f3796', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AmazonCloudWatch', 'global', 0.3912754311, 0.3638861509, 0.3991009397, 0.3717116595, 0.3912754311, 'USD', 4.4996674573, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-906b-fe71-4d16d9cfd223', 'b14bc546-c79b-df9d-a2a5-18b6537e9a5a', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Lambda', 'global', 7.2215567691, 6.7160477953, 7.3659879045, 6.8604789307, 7.2215567691, 'USD', 83.0479028450, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-99a1-e365-f5e4b046796e', '98a48831-1b42-56bb-09b0-42589896be56', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Relational Database Service', 'us-east-1', 26.5566080492, 24.6976454857, 27.0877402102, 25.2287776467, 26.5566080492, 'USD', 305.4009925655, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-9eeb-7a56-d9518e53aa93', 'bb0a925e-5346-60d1-86ad-6c7b9bf7eba0', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon GuardDuty', 'us-east-1', 182.0904078154, 169.3440792683, 185.7322159717, 172.9858874246, 182.0904078154, 'USD', 2094.0396898766, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-a7c4-a94b-2f50f77e803c', '4368a2b9-76ea-3de4-d881-5034e3f5f383', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon DynamoDB', 'NoRegion', 34.3074465254, 31.9059252686, 34.9935954559, 32.5920741991, 34.3074465254, 'USD', 394.5356350419, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-b023-bbc3-2b115882201c', '689c68fc-d370-89cc-a005-42189900e6cb', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon DynamoDB', 'global', 105.9954534354, 98.5757716949, 108.1153625041, 100.6956807636, 105.9954534354, 'USD', 1218.9477145070, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-b32e-15a9-32b3ef44a86e', '6cfcac9a-553b-49e4-432a-35ff0d8c3a76', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Virtual Private Cloud', 'us-east-1', 10.3764265124, 9.6500766566, 10.5839550427, 9.8576051868, 10.3764265124, 'USD', 119.3289048931, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-cc4d-99d2-ac5b74347c2f', '4e9377fd-2701-1597-7d13-ed4137adb827', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Kinesis', 'global', 34.6991219801, 32.2701834415, 35.3931044197, 32.9641658811, 34.6991219801, 'USD', 399.0399027711, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-dee5-ecf2-fbb1134c5220', '48a7c0c1-5d40-735d-613f-ab282a1bd18b', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Amazon Virtual Private Cloud', 'eu-central-1', 5.6802979667, 5.2826771090, 5.7939039261, 5.3962830684, 5.6802979667, 'USD', 65.3234266172, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-e297-98b2-645729f182e9', 'c8b1559f-1be9-26b7-1f11-5e01b6426a95', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'Tax', 'global', 33.9847519782, 31.6058193397, 34.6644470178, 32.2855143793, 33.9847519782, 'USD', 390.8246477492, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-fbc2-3dde-89e17d49cfd0', 'ddbd5e02-96f2-7b71-4847-ed78c7faa5b3', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Key Management Service', 'us-east-1', 0.2320933485, 0.2158468141, 0.2367352155, 0.2204886811, 0.2320933485, 'USD', 2.6690735083, NULL, 0.0000000000, true);
INSERT INTO obs.service_costs VALUES ('7df71074-c71e-fff6-0b63-397bef54eb8a', 'b1e46df2-c5b0-63f5-1658-681eb303434f', '100005876319', 'global', '01a228f5-60c0-7127-957b-411741c5d973', '2026-11-29 20:18:19.456+00', NULL, '2026-11-22', 'AWS Secrets Manager', 'us-east-1', 39.1993944989, 36.4554368840, 39.9833823889, 37.2394247739, 39.1993944989, 'USD', 450.7930367371, NULL, 0.0000000000, true);
INSERT INTO public.hub_schema_version VALUES (1, 0, true, '2026-11-29 20:18:57.839247');
INSERT INTO public.hub_schema_version VALUES (2, 1, true, '2026-11-29 20:18:57.90437');
INSERT INTO public.hub_schema_version VALUES (3, 2, true, '2026-11-29 20:18:58.012801');
INSERT INTO public.hub_schema_version VALUES (4, 3, true, '2026-11-29 20:18:58.020995');
INSERT INTO public.hub_schema_version VALUES (5, 4, true, '2026-11-29 20:18:58.029209');
INSERT INTO public.hub_schema_version VALUES (6, 5, true, '2026-11-29 20:18:58.032082');
INSERT INTO public.obs_schema_version VALUES (1, 0, true, '2026-11-29 20:18:58.195109');
INSERT INTO public.obs_schema_version VALUES (2, 1, true, '2026-11-29 20:18:58.230785');
INSERT INTO public.obs_schema_version VALUES (3, 2, true, '2026-11-29 20:18:58.234348');
INSERT INTO public.obs_schema_version VALUES (4, 3, true, '2026-11-29 20:18:58.246785');
INSERT INTO public.obs_schema_version VALUES (5, 4, true, '2026-11-29 20:18:58.261853');
INSERT INTO public.obs_schema_version VALUES (6, 5, true, '2026-11-29 20:18:58.271579');
INSERT INTO public.obs_schema_version VALUES (7, 6, true, '2026-11-29 20:18:58.280023');
INSERT INTO public.obs_schema_version VALUES (8, 7, true, '2026-11-29 20:18:58.294937');
INSERT INTO public.obs_schema_version VALUES (9, 8, true, '2026-11-29 20:18:58.313471');
SELECT pg_catalog.setval('hub.dirty_id_seq', 2, true);
SELECT pg_catalog.setval('hub.gap_id_seq', 1, false);
SELECT pg_catalog.setval('hub.reject_id_seq', 1, false);
SELECT pg_catalog.setval('public.hub_schema_version_id_seq', 6, true);
SELECT pg_catalog.setval('public.obs_schema_version_id_seq', 9, true);
ALTER TABLE ONLY hub.dirty
    ADD CONSTRAINT dirty_pkey PRIMARY KEY (id);
ALTER TABLE ONLY hub.gap
    ADD CONSTRAINT gap_pkey PRIMARY KEY (id);
ALTER TABLE ONLY hub.installed_view
    ADD CONSTRAINT installed_view_pkey PRIMARY KEY (view_name);
ALTER TABLE ONLY hub.reject
    ADD CONSTRAINT reject_pkey PRIMARY KEY (id);
ALTER TABLE ONLY hub.run_part
    ADD CONSTRAINT run_part_pkey PRIMARY KEY (scope, run, part);
ALTER TABLE ONLY hub.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (scope, run);
ALTER TABLE ONLY hub.scope
    ADD CONSTRAINT scope_pkey PRIMARY KEY (scope);
ALTER TABLE ONLY hub.shard_progress
    ADD CONSTRAINT shard_progress_pkey PRIMARY KEY (stream, stream_created_at, shard);
ALTER TABLE ONLY hub.view_refresh
    ADD CONSTRAINT view_refresh_pkey PRIMARY KEY (view_name);
ALTER TABLE ONLY obs.certificates
    ADD CONSTRAINT certificates_pkey PRIMARY KEY (row_key);
ALTER TABLE ONLY obs.ec2_instances
    ADD CONSTRAINT ec2_instances_pkey PRIMARY KEY (row_key);
ALTER TABLE ONLY obs.kms_keys
    ADD CONSTRAINT kms_keys_pkey PRIMARY KEY (row_key);
ALTER TABLE ONLY obs.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (row_key);
ALTER TABLE ONLY obs.security_findings
    ADD CONSTRAINT security_findings_pkey PRIMARY KEY (row_key);
ALTER TABLE ONLY obs.service_costs
    ADD CONSTRAINT service_costs_pkey PRIMARY KEY (row_key);
ALTER TABLE ONLY public.hub_schema_version
    ADD CONSTRAINT hub_schema_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.obs_schema_version
    ADD CONSTRAINT obs_schema_version_pkey PRIMARY KEY (id);
CREATE INDEX reject_account ON hub.reject USING btree (account_id, id);
CREATE INDEX reject_parked ON hub.reject USING btree (category, id) WHERE (state = 'parked'::text);
CREATE UNIQUE INDEX reject_record ON hub.reject USING btree (origin, state, reason, COALESCE(part, '-1'::integer)) WHERE ((row_number IS NULL) AND (origin <> ''::text));
CREATE INDEX scope_category_account ON hub.scope USING btree (category, account_id);
CREATE INDEX certificates_account ON obs.certificates USING btree (account_id, region);
CREATE INDEX ec2_instances_account ON obs.ec2_instances USING btree (account_id, region);
CREATE INDEX ec2_instances_running ON obs.ec2_instances USING btree (account_id, launched_at) WHERE ((deleted_at IS NULL) AND (state = 'running'::text));
CREATE INDEX kms_keys_account ON obs.kms_keys USING btree (account_id, region);
CREATE INDEX secrets_account ON obs.secrets USING btree (account_id, region);
CREATE INDEX security_findings_account ON obs.security_findings USING btree (account_id, region);
CREATE INDEX security_findings_open ON obs.security_findings USING btree (account_id, finding_updated_at) WHERE ((deleted_at IS NULL) AND (record_state = 'ACTIVE'::text) AND (workflow_status = ANY (ARRAY['NEW'::text, 'NOTIFIED'::text])) AND (severity_label = ANY (ARRAY['CRITICAL'::text, 'HIGH'::text])));
CREATE INDEX service_costs_day ON obs.service_costs USING btree (usage_date, account_id);
CREATE UNIQUE INDEX attention_facts_key ON public.attention_facts USING btree (row_key, issue);
CREATE UNIQUE INDEX cost_monthly_key ON public.cost_monthly USING btree (account_id, month, service, currency);
CREATE UNIQUE INDEX findings_summary_key ON public.findings_summary USING btree (account_id, region, product_name, severity, workflow_status, record_state, compliance_status);
ALTER TABLE ONLY hub.run
    ADD CONSTRAINT run_scope_fkey FOREIGN KEY (scope) REFERENCES hub.scope(scope);
REVOKE ALL ON FUNCTION hub.refresh_view(view regclass) FROM PUBLIC;
REFRESH MATERIALIZED VIEW public.attention_facts;
REFRESH MATERIALIZED VIEW public.cost_monthly;
REFRESH MATERIALIZED VIEW public.findings_summary;
