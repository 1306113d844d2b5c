package scale

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/store"
)

// service answers the product's deleting calls as a DynamoDB would whose one busy
// partition has only so many write units: the part of a batch that it took and the rest
// in UnprocessedItems, an exception when it took nothing, a transaction whole or
// cancelled. Its time is that of the synctest bubble it is made in. All other partitions
// have room.
type service struct {
	*dynamodb.Client // the product's, with its retries and backoff, in front of this service

	began  time.Time
	slower int // tenths that latencies are multiplied with

	mu     sync.Mutex
	hot    *partition
	random *rand.Rand
	tally  tally
	gone   map[string]bool // keys of what was deleted
	last   int             // actions of the last transaction
}

// tally counts calls by what DynamoDB took of them, and says when the last one ended.
type tally struct {
	whole, part, refused int
	took                 time.Duration
}

func (t tally) calls() int { return t.whole + t.part + t.refused }

func newService(hot *partition, slower int) *service {
	s := &service{
		began: time.Now(), slower: slower, hot: hot, random: rand.New(rand.NewPCG(1, 2)), gone: map[string]bool{},
	}
	credentials := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	}
	s.Client = dynamodb.NewFromConfig(aws.Config{
		Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(credentials),
	}, store.Options, func(o *dynamodb.Options) { o.HTTPClient.(*http.Client).Transport = s })
	return s
}

// RoundTrip takes what the partition has room for and answers after a call's time.
func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	time.Sleep(time.Millisecond) // on its way
	answer := s.batch
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch action {
	case "BatchWriteItem":
	case "TransactWriteItems":
		answer = s.transaction
	default:
		return nil, fmt.Errorf("unexpected %s", action)
	}
	status, said, takes, err := answer(body)
	if err != nil {
		return nil, err
	}
	time.Sleep(s.draw(takes))
	s.mu.Lock()
	s.tally.took = time.Since(s.began)
	s.mu.Unlock()
	text, err := json.Marshal(said)
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)), Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
	}, err
}

const exception = "com.amazonaws.dynamodb.v20120810#"

// batch takes as many of a batch's items as there are units, one each.
func (s *service) batch(body []byte) (status int, said any, takes quantiles, err error) {
	var asked struct{ RequestItems map[string][]json.RawMessage }
	if err := json.Unmarshal(body, &asked); err != nil {
		return 0, nil, nil, err
	}
	requests := asked.RequestItems["Customers"]
	s.mu.Lock()
	defer s.mu.Unlock()
	took := s.take(len(requests), 1)
	for _, request := range requests[:took] {
		s.gone[string(request)] = true
	}
	switch {
	case took == len(requests):
		return 200, map[string]any{"UnprocessedItems": map[string]any{}}, batch, nil
	case took == 0:
		return 400, map[string]any{"__type": exception + "ProvisionedThroughputExceededException"}, refused, nil
	}
	return 200, map[string]any{"UnprocessedItems": map[string]any{"Customers": requests[took:]}}, batch, nil
}

// hotline is the party that all contacts of a test share: its partition is the busy one.
const hotline = "hotline"

// transaction takes all of its actions or none, two units each on the hotline's
// partition.
func (s *service) transaction(body []byte) (status int, said any, takes quantiles, err error) {
	type action struct {
		Delete struct{ Key map[string]struct{ S string } }
	}
	var asked struct{ TransactItems []action }
	if err := json.Unmarshal(body, &asked); err != nil {
		return 0, nil, nil, err
	}
	shared := 0
	reasons := make([]map[string]string, len(asked.TransactItems))
	for i, action := range asked.TransactItems {
		reasons[i] = map[string]string{"Code": "None"}
		if action.Delete.Key["party"].S == store.PartyKey(tenant, hotline) {
			reasons[i]["Code"] = "ThrottlingError"
			shared++
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = len(reasons)
	if s.take(2*shared, 2*shared) < 2*shared {
		cancelled := map[string]any{
			"__type":              exception + "TransactionCanceledException",
			"CancellationReasons": reasons,
		}
		return 400, cancelled, refused, nil
	}
	for _, action := range asked.TransactItems {
		s.gone[action.Delete.Key["party"].S+"\x00"+action.Delete.Key["contact"].S] = true
	}
	return 200, map[string]any{}, hundred, nil
}

// take takes units and counts the call.
func (s *service) take(n, least int) int {
	took := s.hot.take(time.Since(s.began), n, least)
	switch {
	case took == n: // 0 of 0, too: a copy that stands elsewhere
		s.tally.whole++
	case took > 0:
		s.tally.part++
	default:
		s.tally.refused++
	}
	return took
}

// What a call takes, assumed: AWS states single-digit milliseconds for calls of one item
// and nothing for the others. How much the answers depend on it is one of the page's
// tables.
var (
	batch = quantiles{
		{0, 4 * time.Millisecond}, {100, 7 * time.Millisecond}, {500, oneBatch}, {900, 20 * time.Millisecond},
		{990, 45 * time.Millisecond}, {1000, 120 * time.Millisecond},
	}
	refused = quantiles{
		{
			0,
			2 * time.Millisecond,
		}, {100, 3 * time.Millisecond}, {500, 4 * time.Millisecond}, {900, 7 * time.Millisecond},
		{990, 20 * time.Millisecond}, {1000, 60 * time.Millisecond},
	}
	hundred = quantiles{
		{0, 15 * time.Millisecond}, {100, 25 * time.Millisecond}, {500, manyTogether}, {900, 60 * time.Millisecond},
		{990, 120 * time.Millisecond}, {1000, 300 * time.Millisecond},
	}
)

// quantiles is a distribution: from 0 to 1000 permille, straight between its points.
type quantiles []struct {
	permille int
	time     time.Duration
}

// draw is a time of the distribution, as slow as the service is.
func (s *service) draw(d quantiles) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.random.IntN(1000)
	for i := 1; ; i++ {
		if from, to := d[i-1], d[i]; at < to.permille {
			part := (to.time - from.time) * time.Duration(at-from.permille) / time.Duration(to.permille-from.permille)
			return (from.time + part) * time.Duration(s.slower) / 10
		}
	}
}
