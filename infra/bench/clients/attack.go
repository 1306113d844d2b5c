package clients

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/tsenart/vegeta/v12/lib"

	"customercare/infra/bench/erase/bed"
)

// run is what came of one load.
type run struct {
	rate      float64   // customers a second, from the first request to the last answer
	latencies []float64 // of each answer, in milliseconds
}

// patience of a client; nothing here takes as long.
const patience = 20 * time.Second

// attack deletes the customers by POSTs to url, each once, by so many clients at once, each of which sends its next request when
// it has its answer. An answer that does not say "deleted" is an error.
func attack(ctx context.Context, url string, codes []string, clients int) (r run, err error) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	attacker := vegeta.NewAttacker(vegeta.Client(&http.Client{Transport: transport, Timeout: patience}),
		vegeta.Workers(uint64(clients)), vegeta.MaxWorkers(uint64(clients)))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	var sent atomic.Int64
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	next := func(t *vegeta.Target) error {
		n := int(sent.Add(1)) - 1
		if n >= len(codes) {
			return vegeta.ErrNoTargets // ends the attack
		}
		t.Method, t.URL, t.Header, t.Body = http.MethodPost, url, header, []byte(bed.DeleteForm(codes[n]))
		return nil
	}
	began := time.Now()
	last := began
	for answer := range attacker.Attack(next, vegeta.Rate{}, 0, "") { // no rate, no end
		if answer.Error == vegeta.ErrNoTargets.Error() {
			continue
		}
		if err == nil && (answer.Code != http.StatusOK || !strings.Contains(string(answer.Body), bed.Deleted)) {
			err = fmt.Errorf("status %d %s: %.300s", answer.Code, answer.Error, answer.Body)
			attacker.Stop()
		}
		if at := answer.Timestamp.Add(answer.Latency); at.After(last) {
			last = at
		}
		r.latencies = append(r.latencies, answer.Latency.Seconds()*1000)
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil && len(r.latencies) != len(codes) {
		err = fmt.Errorf("%d answers for %d customers", len(r.latencies), len(codes))
	}
	r.rate = float64(len(codes)) / last.Sub(began).Seconds()
	return r, err
}

// nothingLeft is an error when anything but tombstones is left of any customer.
func (s stage) nothingLeft(ctx context.Context) error {
	for pages := dynamodb.NewScanPaginator(s.db, &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), FilterExpression: aws.String("attribute_not_exists(tombstone)"),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.Items) > 0 {
			return fmt.Errorf("%d items are left of customers that are said to be deleted", len(page.Items))
		}
	}
	return nil
}
