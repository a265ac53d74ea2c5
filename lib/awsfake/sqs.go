package awsfake

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Limits of Amazon SQS.
const (
	maxMessage    = 1 << 20 // bytes of a message, and of all messages of a batch
	maxQueueBatch = 10
	maxQueueWait  = 20 * time.Second
)

// sqs stands in for the standard queues of Amazon SQS.
type sqs struct {
	now func() time.Time

	mu     sync.Mutex
	queues map[string]*queue // by URL
}

func newSQS(now func() time.Time) *sqs { return &sqs{now: now, queues: map[string]*queue{}} }

// queue is one queue. It is guarded by the mutex of sqs.
type queue struct {
	url, name, arn string
	created        time.Time
	visibility     time.Duration
	delay          time.Duration
	wait           time.Duration
	retention      time.Duration
	messages       []*message // in the order in which they were sent
	sent           int
	changed        chan struct{} // closed when a message may have become visible
}

// message is one message that was sent and not deleted.
type message struct {
	n        int // numbers the messages of a queue, from 1
	id, body string
	sender   string
	sent     time.Time
	visible  time.Time // from then on it can be received
	first    time.Time // zero: never received
	receives int
}

// do answers a call. ReceiveMessage waits until there is a message, its time is over or ctx is done.
func (s *sqs) do(ctx context.Context, c *call) (any, error) {
	if c.action == "ReceiveMessage" {
		return s.receive(ctx, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c.action {
	case "CreateQueue":
		return s.createQueue(c)
	case "DeleteQueue":
		return s.deleteQueue(c)
	case "GetQueueUrl":
		return s.getQueueURL(c)
	case "GetQueueAttributes":
		return s.getQueueAttributes(c)
	case "SendMessage":
		return s.sendMessage(c)
	case "SendMessageBatch":
		return s.sendMessageBatch(c)
	case "DeleteMessage":
		return s.deleteMessage(c)
	case "DeleteMessageBatch":
		return s.deleteMessageBatch(c)
	case "ChangeMessageVisibility":
		return s.changeMessageVisibility(c)
	}
	return nil, unknownOperation(c)
}

// QueueURL is the URL of a queue, in the form in which AWS gives it.
func QueueURL(account, region, name string) string {
	return "https://sqs." + region + ".amazonaws.com/" + account + "/" + name
}

var queueName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,80}$`)

// queueCodes are the error codes of the older query protocol, which the SDK prefers: the names of others are the same
// in both.
var queueCodes = map[string]string{
	"AccessDeniedException":        "AccessDenied",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":              "QueueAlreadyExists",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
}

// queueAttributes are the settings of a queue, each a number of seconds, with what AWS allows.
var queueAttributes = map[string]struct {
	field            func(*queue) *time.Duration
	lowest, standard time.Duration
	highest          time.Duration
}{
	"VisibilityTimeout": {func(q *queue) *time.Duration { return &q.visibility }, 0, 30 * time.Second, 12 * time.Hour},
	"DelaySeconds":      {func(q *queue) *time.Duration { return &q.delay }, 0, 0, 15 * time.Minute},
	"ReceiveMessageWaitTimeSeconds": {func(q *queue) *time.Duration { return &q.wait }, 0, 0,
		maxQueueWait},
	"MessageRetentionPeriod": {func(q *queue) *time.Duration { return &q.retention }, time.Minute, 4 * 24 * time.Hour,
		14 * 24 * time.Hour},
}

// set changes settings.
func (q *queue) set(attributes map[string]string) error {
	for name, value := range attributes {
		attribute, known := queueAttributes[name]
		if !known {
			return invalid("InvalidAttributeName", "awsfake does not implement the attribute %s", name)
		}
		seconds, err := strconv.Atoi(value)
		d := time.Duration(seconds) * time.Second
		if err != nil || d < attribute.lowest || d > attribute.highest {
			return invalid("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
		}
		*attribute.field(q) = d
	}
	return nil
}

// settings returns them as set takes them.
func (q *queue) settings() map[string]string {
	out := map[string]string{}
	for name, attribute := range queueAttributes {
		out[name] = strconv.Itoa(int(attribute.field(q).Seconds()))
	}
	return out
}

func (s *sqs) createQueue(c *call) (any, error) {
	in, err := decode[struct {
		QueueName  string
		Attributes map[string]string
		Tags       map[string]string `json:"tags"` // they change nothing here
	}](c)
	if err != nil {
		return nil, err
	}
	if !queueName.MatchString(in.QueueName) {
		return nil, invalid("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. "+
			"1 to 80 in length")
	}
	q := &queue{url: QueueURL(c.Account, c.Region, in.QueueName), name: in.QueueName, created: s.now(),
		arn: "arn:aws:sqs:" + c.Region + ":" + c.Account + ":" + in.QueueName, changed: make(chan struct{})}
	for _, attribute := range queueAttributes {
		*attribute.field(q) = attribute.standard
	}
	if err := q.set(in.Attributes); err != nil {
		return nil, err
	}
	if known := s.queues[q.url]; known != nil {
		settings := known.settings()
		for name := range in.Attributes {
			if settings[name] != in.Attributes[name] {
				return nil, invalid("QueueNameExists", "A queue already exists with the same name and a different value for "+
					"attribute %s", name)
			}
		}
		q = known
	}
	s.queues[q.url] = q
	return map[string]string{"QueueUrl": q.url}, nil
}

// find returns the queue of a URL, for callers of its account and region.
func (s *sqs) find(c *call, queueURL string) (*queue, error) {
	u, err := url.Parse(queueURL)
	if err != nil || queueURL == "" {
		return nil, invalid("InvalidAddress", "The address %s is not valid for this endpoint.", queueURL)
	}
	if region, ok := strings.CutSuffix(strings.TrimPrefix(u.Host, "sqs."), ".amazonaws.com"); ok && region != c.Region {
		return nil, invalid("InvalidAddress", "The address %s is not valid for this endpoint.", queueURL)
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(path) != 2 {
		return nil, missingQueue()
	}
	if path[0] != c.Account {
		return nil, &apiError{status: http.StatusForbidden, code: "AccessDeniedException", message: fmt.Sprintf(
			"User: %s is not authorized to perform: %s on resource: arn:aws:sqs:%s:%s:%s because no resource-based policy "+
				"allows the %[2]s action", c.user, strings.ToLower(c.Operation), c.Region, path[0], path[1])}
	}
	q := s.queues[QueueURL(c.Account, c.Region, path[1])]
	if q == nil {
		return nil, missingQueue()
	}
	q.expire(s.now())
	return q, nil
}

func missingQueue() error {
	return invalid("QueueDoesNotExist", "The specified queue does not exist.")
}

// expire forgets the messages that are older than the retention.
func (q *queue) expire(now time.Time) {
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return now.Sub(m.sent) > q.retention })
}

// wake lets the calls look again that wait for a message.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (s *sqs) deleteQueue(c *call) (any, error) {
	in, err := decode[struct{ QueueUrl string }](c) //nolint:revive // as AWS names it
	if err != nil {
		return nil, err
	}
	q, err := s.find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	delete(s.queues, q.url)
	q.wake()
	return nil, nil
}

func (s *sqs) getQueueURL(c *call) (any, error) {
	in, err := decode[struct{ QueueName, QueueOwnerAWSAccountId string }](c) //nolint:revive // as AWS names it
	if err != nil {
		return nil, err
	}
	owner := c.Account
	if in.QueueOwnerAWSAccountId != "" {
		owner = in.QueueOwnerAWSAccountId
	}
	q, err := s.find(c, QueueURL(owner, c.Region, in.QueueName))
	if err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": q.url}, nil
}

func (s *sqs) getQueueAttributes(c *call) (any, error) {
	in, err := decode[struct {
		QueueUrl       string //nolint:revive // as AWS names it
		AttributeNames []string
	}](c)
	if err != nil {
		return nil, err
	}
	q, err := s.find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := q.settings()
	now, visible, hidden, delayed := s.now(), 0, 0, 0
	for _, m := range q.messages {
		switch {
		case !m.visible.After(now):
			visible++
		case m.receives > 0:
			hidden++
		default:
			delayed++
		}
	}
	all["QueueArn"] = q.arn
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(hidden)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	if slices.Contains(in.AttributeNames, "All") {
		return map[string]any{"Attributes": all}, nil
	}
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		value, known := all[name]
		if !known {
			return nil, invalid("InvalidAttributeName", "awsfake does not implement the attribute %s", name)
		}
		out[name] = value
	}
	return map[string]any{"Attributes": out}, nil
}

// outgoing is a message as it is sent.
type outgoing struct {
	MessageBody  string
	DelaySeconds *int
}

// check returns why a message cannot be sent.
func (o outgoing) check() *apiError {
	switch {
	case o.MessageBody == "":
		return invalid("MissingParameter", "The request must contain the parameter MessageBody.")
	case len(o.MessageBody) > maxMessage:
		return invalid("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than "+
			"%d bytes.", maxMessage)
	case !utf8.ValidString(o.MessageBody) || strings.ContainsFunc(o.MessageBody, notInXML):
		return invalid("InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "+
			"#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	case o.DelaySeconds != nil && (*o.DelaySeconds < 0 || *o.DelaySeconds > 900):
		return invalid("InvalidParameterValue", "Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must "+
			"be >= 0 and <= 900.", *o.DelaySeconds)
	}
	return nil
}

func notInXML(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// sentMessage is the answer to a message that was sent.
type sentMessage struct {
	ID               string `json:"Id,omitempty"`
	MessageID        string `json:"MessageId"`
	MD5OfMessageBody string
}

// add stores a message that was checked.
func (q *queue) add(c *call, now time.Time, o outgoing) sentMessage {
	q.sent++
	delay := q.delay
	if o.DelaySeconds != nil {
		delay = time.Duration(*o.DelaySeconds) * time.Second
	}
	m := &message{n: q.sent, id: fmt.Sprintf("a0500000-0000-4000-8000-%012d", q.sent), body: o.MessageBody,
		sender: c.Account, sent: now, visible: now.Add(delay)}
	q.messages = append(q.messages, m)
	return sentMessage{MessageID: m.id, MD5OfMessageBody: md5Of(m.body)}
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (s *sqs) sendMessage(c *call) (any, error) {
	in, err := decode[struct {
		QueueUrl string //nolint:revive // as AWS names it
		outgoing
	}](c)
	if err != nil {
		return nil, err
	}
	q, err := s.find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	defer q.wake()
	return q.add(c, s.now(), in.outgoing), nil
}

// failedEntry is an entry of a batch that was refused.
type failedEntry struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

// batchAnswer is what became of the entries of a batch.
type batchAnswer struct {
	Successful []any
	Failed     []failedEntry
}

var entryID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,80}$`)

// batch does something with every entry of a batch that no fault is injected for.
func batch(c *call, ids []string, each func(i int) (any, *apiError)) (*batchAnswer, error) {
	switch {
	case len(ids) == 0:
		return nil, invalid("EmptyBatchRequest", "There should be at least one %sRequestEntry in the request.", c.action)
	case len(ids) > maxQueueBatch:
		return nil, invalid("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent "+
			"%d.", maxQueueBatch, len(ids))
	}
	for i, id := range ids {
		if !entryID.MatchString(id) {
			return nil, invalid("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens "+
				"and underscores. It can be at most 80 letters long.")
		}
		if slices.Contains(ids[:i], id) {
			return nil, invalid("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
	}
	out := &batchAnswer{Successful: []any{}, Failed: []failedEntry{}}
	var refused []int
	if c.apply(PartialFailure) {
		refused = c.injection.pick(len(ids))
	}
	for i, id := range ids {
		if slices.Contains(refused, i) {
			out.Failed = append(out.Failed, failedEntry{id, "InternalError", "We encountered an internal error. Please try " +
				"again.", false})
			continue
		}
		done, err := each(i)
		if err != nil {
			out.Failed = append(out.Failed, failedEntry{id, err.code, err.message, true})
			continue
		}
		out.Successful = append(out.Successful, done)
	}
	return out, nil
}

func (s *sqs) sendMessageBatch(c *call) (any, error) {
	in, err := decode[struct {
		QueueUrl string //nolint:revive // as AWS names it
		Entries  []struct {
			ID string `json:"Id"`
			outgoing
		}
	}](c)
	if err != nil {
		return nil, err
	}
	q, err := s.find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	size := 0
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.ID
		size += len(e.MessageBody)
	}
	if size > maxMessage {
		return nil, invalid("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.",
			maxMessage, size)
	}
	defer q.wake()
	return batch(c, ids, func(i int) (any, *apiError) {
		if err := in.Entries[i].check(); err != nil {
			return nil, err
		}
		answer := q.add(c, s.now(), in.Entries[i].outgoing)
		answer.ID = ids[i]
		return answer, nil
	})
}

// receiveInput are the parameters of ReceiveMessage.
type receiveInput struct {
	QueueUrl                                    string //nolint:revive // as AWS names it
	MaxNumberOfMessages                         *int
	VisibilityTimeout, WaitTimeSeconds          *int
	MessageSystemAttributeNames, AttributeNames []string
}

func (in *receiveInput) check() error {
	within := func(name string, value *int, lowest, highest int) error {
		if value != nil && (*value < lowest || *value > highest) {
			return invalid("InvalidParameterValue", "Value %d for parameter %s is invalid. Reason: Must be between %d and "+
				"%d, if provided.", *value, name, lowest, highest)
		}
		return nil
	}
	if err := within("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, maxQueueBatch); err != nil {
		return err
	}
	if err := within("WaitTimeSeconds", in.WaitTimeSeconds, 0, int(maxQueueWait.Seconds())); err != nil {
		return err
	}
	return within("VisibilityTimeout", in.VisibilityTimeout, 0, 43200)
}

func secondsOr(n *int, otherwise time.Duration) time.Duration {
	if n == nil {
		return otherwise
	}
	return time.Duration(*n) * time.Second
}

// receive answers as soon as a message is visible. Its waiting time passes by the wall clock, also where Config.Now is
// another one.
func (s *sqs) receive(ctx context.Context, c *call) (any, error) {
	in, err := decode[receiveInput](c)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	var over <-chan time.Time // nil until the queue's own waiting time is known
	for {
		s.mu.Lock()
		q, err := s.find(c, in.QueueUrl)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		wait := secondsOr(in.WaitTimeSeconds, q.wait)
		out := q.take(s.now(), in)
		changed, next := q.changed, q.next(s.now())
		s.mu.Unlock()
		if len(out) > 0 || wait == 0 {
			return map[string]any{"Messages": out}, nil
		}
		if over == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			over = timer.C
		}
		visible := time.NewTimer(next)
		select {
		case <-changed:
		case <-visible.C:
		case <-over:
			visible.Stop()
			return map[string]any{"Messages": out}, nil
		case <-ctx.Done():
			visible.Stop()
			return nil, ctx.Err()
		}
		visible.Stop()
	}
}

// next is the time until the next message becomes visible by itself.
func (q *queue) next(now time.Time) time.Duration {
	wait := maxQueueWait
	for _, m := range q.messages {
		wait = min(wait, m.visible.Sub(now))
	}
	return max(wait, time.Millisecond)
}

// received is a message as it is received.
type received struct {
	MessageID     string            `json:"MessageId"`
	ReceiptHandle string            `json:"ReceiptHandle"`
	Body          string            `json:"Body"`
	MD5OfBody     string            `json:"MD5OfBody"`
	Attributes    map[string]string `json:"Attributes,omitempty"`
}

// take receives what is visible and hides it.
func (q *queue) take(now time.Time, in *receiveInput) []received {
	most := 1
	if in.MaxNumberOfMessages != nil {
		most = *in.MaxNumberOfMessages
	}
	out := []received{}
	for _, m := range q.messages {
		if len(out) == most {
			break
		}
		if m.visible.After(now) {
			continue
		}
		m.visible = now.Add(secondsOr(in.VisibilityTimeout, q.visibility))
		m.receives++
		if m.first.IsZero() {
			m.first = now
		}
		out = append(out, received{MessageID: m.id, ReceiptHandle: q.handle(m), Body: m.body, MD5OfBody: md5Of(m.body),
			Attributes: m.attributes(slices.Concat(in.MessageSystemAttributeNames, in.AttributeNames))})
	}
	return out
}

func (m *message) attributes(names []string) map[string]string {
	all := map[string]string{
		"SenderId":                         m.sender,
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
	if slices.Contains(names, "All") {
		return all
	}
	out := map[string]string{}
	for _, name := range names {
		if value, known := all[name]; known {
			out[name] = value
		}
	}
	return out
}

// handle is the receipt handle of the last time that a message was received.
func (q *queue) handle(m *message) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s/%d/%d", q.name, m.n, m.receives))
}

// byHandle returns the place of a message, and -1 for one that is gone or was received again since.
func (q *queue) byHandle(handle string) (int, *apiError) {
	text, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(text), "/")
	if err != nil || len(parts) != 3 || parts[0] != q.name {
		return 0, invalid("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	n, _ := strconv.Atoi(parts[1]) // no message is 0
	at, found := slices.BinarySearchFunc(q.messages, n, func(m *message, n int) int { return m.n - n })
	if !found || q.handle(q.messages[at]) != handle {
		return -1, nil
	}
	return at, nil
}

// remove deletes a message. One that is gone already is no error.
func (q *queue) remove(handle string) *apiError {
	at, err := q.byHandle(handle)
	if err == nil && at >= 0 {
		q.messages = slices.Delete(q.messages, at, at+1)
	}
	return err
}

func (s *sqs) deleteMessage(c *call) (any, error) {
	in, err := decode[struct{ QueueUrl, ReceiptHandle string }](c) //nolint:revive // as AWS names it
	if err != nil {
		return nil, err
	}
	q, err := s.find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := q.remove(in.ReceiptHandle); err != nil {
		return nil, err
	}
	return nil, nil
}

func (s *sqs) deleteMessageBatch(c *call) (any, error) {
	in, err := decode[struct {
		QueueUrl string //nolint:revive // as AWS names it
		Entries  []struct {
			ID            string `json:"Id"`
			ReceiptHandle string
		}
	}](c)
	if err != nil {
		return nil, err
	}
	q, err := s.find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.ID
	}
	return batch(c, ids, func(i int) (any, *apiError) {
		return map[string]string{"Id": ids[i]}, q.remove(in.Entries[i].ReceiptHandle)
	})
}

func (s *sqs) changeMessageVisibility(c *call) (any, error) {
	in, err := decode[struct {
		QueueUrl, ReceiptHandle string //nolint:revive // as AWS names it
		VisibilityTimeout       int
	}](c)
	if err != nil {
		return nil, err
	}
	q, err := s.find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.VisibilityTimeout < 0 || in.VisibilityTimeout > 43200 {
		return nil, invalid("InvalidParameterValue", "Value %d for parameter VisibilityTimeout is invalid. Reason: Must be "+
			"between 0 and 43200.", in.VisibilityTimeout)
	}
	at, fault := q.byHandle(in.ReceiptHandle)
	if fault != nil {
		return nil, fault
	}
	now := s.now()
	if at < 0 || !q.messages[at].visible.After(now) {
		return nil, invalid("MessageNotInflight", "The specified message isn't in flight.")
	}
	q.messages[at].visible = now.Add(time.Duration(in.VisibilityTimeout) * time.Second)
	q.wake()
	return nil, nil
}
