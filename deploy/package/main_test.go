package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.yaml.in/yaml/v3"

	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/pgtest"
)

const (
	version = "v0.0.1"
	epoch   = "1767225600" // 2026
	region  = "eu-central-1"
	account = "444455556666"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil { // where a release is made
		panic(err)
	}
	code := m.Run()
	if err := errors.Join(pgtest.Stop(), os.RemoveAll(scratch)); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// scratch is the directory of the release that makeDist made.
var scratch string

// makeDist makes a release for this architecture, without lists of modules.
var makeDist = sync.OnceValues(func() (dist string, err error) {
	if scratch, err = os.MkdirTemp("", "dist"); err != nil {
		return "", err
	}
	dist = filepath.Join(scratch, "dist")
	r, err := newRelease(version, dist, []string{runtime.GOARCH}, epoch)
	if err != nil {
		return "", err
	}
	r.platforms, r.sbom = r.linux(), false
	return dist, r.make(context.Background())
})

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// unzip writes the program in a zip to a directory, and returns its path.
func unzip(t *testing.T, program program) string {
	t.Helper()
	path := filepath.Join(must(makeDist()), functionName(program, platform{"linux", runtime.GOARCH}))
	archive := must(zip.OpenReader(path))
	defer archive.Close()
	if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode() != 0o755 {
		t.Fatalf("%s does not hold one program, bootstrap", path)
	}
	content := must(archive.File[0].Open())
	defer content.Close()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(bootstrap, must(io.ReadAll(content)), 0o755); err != nil {
		t.Fatal(err)
	}
	return bootstrap
}

// TestSizesOfFunctions: Lambda starts small zips sooner. Less than 50 MB can be uploaded
// without a bucket.
func TestSizesOfFunctions(t *testing.T) {
	dist := must(makeDist())
	zips := must(filepath.Glob(filepath.Join(dist, "*-lambda-*.zip")))
	if len(zips) != len(programs) {
		t.Errorf("functions %q", zips)
	}
	for _, path := range zips {
		if size := must(os.Stat(path)).Size(); size > 30_000_000 {
			t.Errorf("%s has %d bytes: go tool nm -size -sort size shows what makes the program large", path, size)
		}
	}
}

// TestFunctions: what the spoke's zip sends, the hub's zip writes to the database.
func TestFunctions(t *testing.T) {
	server := must(awsfake.New(awsfake.Config{Region: region}))
	defer server.Close()
	client := kinesis.NewFromConfig(server.AWSConfig(account, region))
	must(client.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: aws.String("observability"), ShardCount: aws.Int32(1)}))
	secrets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arn := fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:db-a1b2c3", region, account)
		fmt.Fprintf(w, `{"SecretList":[{"ARN":%q,"Name":"db"}]}`, arn)
	}))
	defer secrets.Close()
	stream := awsfake.StreamARN(account, region, "observability")
	programtest.Isolate(t, []string{"SPOKE_", "HUB_"}, append(server.Environment(account),
		"AWS_ENDPOINT_URL_SECRETS_MANAGER="+secrets.URL)...)

	spoke := programtest.StartFunction(t, unzip(t, programs[1]), "lambda", "SPOKE_REGION="+region, "SPOKE_STREAM="+stream)
	if answer := spoke.Invoke([]byte(`{"spoke":1,"category":["secrets"]}`)); answer != "response null" {
		t.Fatalf("answer %s\n%s", answer, spoke.Log())
	}
	var batch events.KinesisEvent
	for _, r := range must(server.Records(stream)) {
		batch.Records = append(batch.Records, events.KinesisEventRecord{
			EventID: r.Shard + ":" + r.SequenceNumber, EventSource: "aws:kinesis", EventSourceArn: stream,
			Kinesis: events.KinesisRecord{
				Data: r.Data, PartitionKey: r.PartitionKey, SequenceNumber: r.SequenceNumber,
				ApproximateArrivalTimestamp: events.SecondsEpochTime{Time: r.Arrived},
			},
		})
	}

	db := pgtest.Empty(t)
	t.Setenv("DATABASE_URL", db.URL)
	bootstrap := unzip(t, programs[0])
	run(t, bootstrap, "migrate")
	hub := programtest.StartFunction(t, bootstrap, "lambda", "HUB_BATCH_AGE=10ms")
	if answer := hub.Invoke(must(json.Marshal(batch))); !strings.HasPrefix(answer, "response ") {
		t.Fatalf("answer %s\n%s", answer, hub.Log())
	}
	programtest.Eventually(t, "the row", func() bool {
		var name string
		err := db.Pool.QueryRow(t.Context(), "SELECT max(name) FROM current_secrets").Scan(&name)
		return err == nil && name == "db"
	})
}

// TestArchives: what people download says its version, and brings the licence.
func TestArchives(t *testing.T) {
	dist := must(makeDist())
	for _, program := range programs {
		name := fmt.Sprintf("%s_%s_linux_%s", program.name, version, runtime.GOARCH)
		dir := t.TempDir()
		run(t, "tar", "-xzf", filepath.Join(dist, name+".tar.gz"), "-C", dir)
		if out := run(t, filepath.Join(dir, name, program.name), "--version"); strings.TrimSpace(out) != version {
			t.Errorf("%s --version says %q", program.name, out)
		}
		for _, file := range []string{"LICENSE", "CHANGELOG.md"} {
			must(os.Stat(filepath.Join(dir, name, file)))
		}
	}
}

// TestImages: blobs have the hashes by which they are named, and the program runs with a root
// that holds nothing else.
func TestImages(t *testing.T) {
	dist := must(makeDist())
	for _, program := range programs {
		dir := filepath.Join(dist, "oci", program.name)
		read := func(d descriptor, content any) []byte {
			data := must(os.ReadFile(filepath.Join(dir, "blobs", strings.Replace(d.Digest, ":", "/", 1))))
			if digest := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); digest != d.Digest || len(data) != d.Size {
				t.Errorf("%s: %s has the hash %s and %d bytes, not %d", program.name, d.Digest, digest, len(data), d.Size)
			}
			if content != nil {
				if err := json.Unmarshal(data, content); err != nil {
					t.Errorf("%s: %s: %v", program.name, d.Digest, err)
				}
			}
			return data
		}
		var index struct{ Manifests []descriptor }
		if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, "index.json"))), &index); err != nil {
			t.Fatal(err)
		}
		if got := index.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; got != version {
			t.Errorf("%s: the image is named %q", program.name, got)
		}
		read(index.Manifests[0], &index)
		if got := index.Manifests[0].Platform["architecture"]; got != runtime.GOARCH {
			t.Errorf("%s: the architecture is %q", program.name, got)
		}
		var manifest struct {
			Config descriptor
			Layers []descriptor
		}
		read(index.Manifests[0], &manifest)
		var config struct {
			Config struct {
				User       string
				Entrypoint []string
			}
		}
		read(manifest.Config, &config)
		if config.Config.User != "65532:65532" {
			t.Errorf("%s runs as %q", program.name, config.Config.User)
		}
		root := t.TempDir()
		layer := tar.NewReader(must(gzip.NewReader(strings.NewReader(string(read(manifest.Layers[0], nil))))))
		header := must(layer.Next())
		content := must(io.ReadAll(layer))
		if err := os.WriteFile(filepath.Join(root, header.Name), content, header.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
		if _, err := layer.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the image holds more than the program", program.name)
		}
		cmd := exec.Command(config.Config.Entrypoint[0], "--version")
		cmd.Dir = "/"
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
			if err := os.Chmod(root, 0o755); err != nil {
				t.Fatal(err)
			}
		} else {
			cmd.Path = filepath.Join(root, config.Config.Entrypoint[0])
		}
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != version {
			t.Errorf("%s --version says %q, %v", program.name, out, err)
		}
	}
}

// TestImageOfAllArchitectures: one name leads to the image of each architecture.
func TestImageOfAllArchitectures(t *testing.T) {
	r := must(newRelease(version, t.TempDir(), []string{"amd64", "arm64"}, epoch))
	r.work = t.TempDir()
	for _, p := range r.linux() {
		path := r.binary(p, programs[0])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(p.arch), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.image(programs[0]); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(r.out, "oci", programs[0].name)
	var index struct{ Manifests []descriptor }
	for name := "index.json"; len(index.Manifests) < 2; {
		if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, name))), &index); err != nil {
			t.Fatal(err)
		}
		name = filepath.Join("blobs", strings.Replace(index.Manifests[0].Digest, ":", "/", 1))
	}
	for i, arch := range []string{"amd64", "arm64"} {
		if got := index.Manifests[i].Platform; got["os"] != "linux" || got["architecture"] != arch {
			t.Errorf("image %d is for %q, want %s", i, got, arch)
		}
	}
}

// TestPackages: a package brings the program, its unit and its settings, which upgrades keep
// and only root reads.
func TestPackages(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Log("dpkg-deb is missing: packages are not tested")
		return
	}
	dist := must(makeDist())
	for _, program := range programs {
		path := filepath.Join(dist, fmt.Sprintf("observability-%s_%s_%s.deb", program.name, version[1:], runtime.GOARCH))
		root, control := t.TempDir(), t.TempDir()
		run(t, dpkg, "-x", path, root)
		run(t, dpkg, "-e", path, control)
		if out := run(t, filepath.Join(root, "usr/bin", program.name), "--version"); strings.TrimSpace(out) != version {
			t.Errorf("%s --version says %q", program.name, out)
		}
		settings := "/etc/" + program.name + ".env"
		if kept := string(must(os.ReadFile(filepath.Join(control, "conffiles")))); strings.TrimSpace(kept) != settings {
			t.Errorf("%s: upgrades keep %q", program.name, kept)
		}
		if mode := must(os.Stat(filepath.Join(root, settings))).Mode(); mode != 0o600 {
			t.Errorf("%s has the mode %v", settings, mode)
		}
		for _, script := range []string{"postinst", "prerm"} {
			run(t, "sh", "-n", filepath.Join(control, script))
			if text := string(must(os.ReadFile(filepath.Join(control, script)))); !strings.Contains(text, program.unit+"\n") {
				t.Errorf("%s of %s does not name %s:\n%s", script, program.name, program.unit, text)
			}
		}
		unit := filepath.Join(root, "usr/lib/systemd/system", program.unit+".service")
		text := string(must(os.ReadFile(unit)))
		if !strings.HasPrefix(text, "[Unit]\n") || !strings.Contains(text, "\nExecStart=/usr/bin/"+program.name+" ") ||
			!strings.Contains(text, "\nEnvironmentFile="+settings+"\n") {
			t.Errorf("the unit does not start what is installed:\n%s", text)
		}
		tool, err := exec.LookPath("systemd-analyze")
		if err != nil {
			t.Log("systemd-analyze is missing: the unit is not verified")
			continue
		}
		text = strings.ReplaceAll(text, "ExecStart=/", "ExecStart="+root+"/")
		if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out := run(t, tool, "verify", unit); strings.TrimSpace(out) != "" {
			t.Errorf("systemd-analyze verify %s: %s", unit, out)
		}
	}
}

func TestChecksums(t *testing.T) {
	dist := must(makeDist())
	cmd := exec.Command("sha256sum", "--check", "--strict", "--quiet", "checksums.txt")
	cmd.Dir = dist
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	sums := strings.Count(string(must(os.ReadFile(filepath.Join(dist, "checksums.txt")))), "\n")
	files := strings.Fields(run(t, "find", dist, "-type", "f", "-printf", "x "))
	if sums != len(files)-1 {
		t.Errorf("%d checksums of %d files", sums, len(files))
	}
}

// TestTemplates: a release names its functions as defaults, and changes nothing else.
func TestTemplates(t *testing.T) {
	r := must(newRelease(version, t.TempDir(), []string{"arm64"}, epoch))
	for _, program := range programs {
		path := filepath.Join(r.out, functionName(program, platform{"linux", "arm64"}))
		if err := os.WriteFile(path, []byte(program.name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.templates(t.Context()); err != nil {
		t.Fatal(err)
	}
	defaults := regexp.MustCompile(`(?m)^    Default: "(releases/.*|[A-Za-z0-9+/]{43}=)"\n`)
	for source, name := range templates {
		before, err := os.ReadFile(filepath.Join("deploy/cloudformation", source))
		if name == "" || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		after := must(os.ReadFile(filepath.Join(r.out, name)))
		if string(defaults.ReplaceAll(after, nil)) != string(before) {
			t.Errorf("%s differs from %s by more than defaults", name, source)
		}
	}
	for name, want := range map[string][]string{
		"A360-Analytics.yaml": {"HubZipKey", "releases/v0.0.1/hub-lambda-arm64.zip"},
		"A360-Sender.yaml":    {"SpokeZipKey", "releases/v0.0.1/spoke-lambda-arm64.zip"},
	} {
		var template struct {
			Parameters map[string]struct {
				Default string `yaml:"Default"`
			} `yaml:"Parameters"`
		}
		if err := yaml.Unmarshal(must(os.ReadFile(filepath.Join(r.out, name))), &template); err != nil {
			t.Fatal(err)
		}
		if got := template.Parameters[want[0]].Default; got != want[1] {
			t.Errorf("%s: the default of %s is %q, want %q", name, want[0], got, want[1])
		}
	}
	twice := "  HubZipKey:\n    Type: String\n    Default: x\n"
	if _, err := fill([]byte(twice), map[string]string{"HubZipKey": "y"}); err == nil {
		t.Error("a default of the template is overwritten")
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct{ version, arch, epoch, want string }{
		{"0.1.0", "amd64", epoch, "must be one such as v0.1.0"},
		{"v0.1", "amd64", epoch, "must be one such as v0.1.0"},
		{version, "", epoch, "names no architecture"},
		{version, "amd64 riscv64", epoch, `no release for "riscv64"`},
		{version, "amd64", "", "git log -1 --format=%ct"},
	} {
		if _, err := newRelease(test.version, "dist", strings.Fields(test.arch), test.epoch); err == nil ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	if err := must(newRelease(version, "docs", []string{"amd64"}, epoch)).make(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a directory that is not empty: %v", err)
	}
	if !slices.Equal(must(newRelease(version, "dist", []string{"arm64"}, epoch)).linux(), []platform{{"linux", "arm64"}}) {
		t.Error("arm64 is more than one architecture of Linux")
	}
}
