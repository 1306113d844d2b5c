package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/bench"
	"customercare/infra/client"
	"customercare/shared/store"
)

// preview is a preview of one large customer over HTTP, beside the same pages read alone.
func (p plan) preview(ctx context.Context, b *Bench) ([]bench.Figure, error) {
	counter, err := countUnits(b.Endpoint)
	if err != nil {
		return nil, err
	}
	defer counter.Close()
	behind := *b
	behind.through = counter.URL
	s, err := behind.start(ctx, "preview", true)
	if err != nil {
		return nil, err
	}
	defer s.close()
	b.Say("previewing a customer with %d transactions", p.previewed)
	if err := errors.Join(s.loadErasers(ctx), s.fillCustomers(ctx, p.previewed, "large")); err != nil {
		return nil, err
	}
	if _, _, err := s.look(ctx, "nobody"); err != nil { // what is new is slow
		return nil, err
	}
	counter.take()
	began := time.Now()
	seen, atLeast, err := s.look(ctx, "large")
	took := time.Since(began)
	if err != nil {
		return nil, err
	}
	if !atLeast && seen != p.previewed {
		return nil, fmt.Errorf("of %d transactions %d are seen", p.previewed, seen)
	}
	count := counter.take()
	alone, err := s.readAlone(ctx, "large")
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%d transactions", p.previewed)
	f := pairs{[]float64{took.Seconds()}, []float64{alone.Seconds()}}.figure("preview", name, "s")
	f.Also = []bench.Number{
		{Name: "seen", Value: float64(seen)}, {Name: "calls", Value: float64(count.Trips)},
		{Name: "read units", Value: count.Reads}, {Name: "write units", Value: count.Writes},
		{Name: "memory of preview-erasures", Value: b.peakOf("preview-erasures"), Unit: "MB"},
	}
	return []bench.Figure{f}, nil
}

// look is a preview of a customer's erasure.
func (s *site) look(ctx context.Context, code string) (transactions int, atLeast bool, err error) {
	answer, err := s.api.Send(ctx, client.PreviewCustomer(account, code).As(apiUser, apiKey))
	if err != nil {
		return 0, false, err
	}
	var said struct {
		Found   struct{ Transactions int }
		AtLeast bool
	}
	if answer.Status != http.StatusOK {
		return 0, false, fmt.Errorf("the preview answers with status %d: %s", answer.Status, answer.Body)
	}
	err = json.Unmarshal([]byte(answer.Body), &said)
	return said.Found.Transactions, said.AtLeast, err
}

// readAlone reads the keys of a customer, and nothing else. Its pages are bounded as the
// product's are: without a limit the engine looks at all the rest for each of them.
func (s *site) readAlone(ctx context.Context, code string) (time.Duration, error) {
	pages := dynamodb.NewQueryPaginator(s.DynamoDB(), &dynamodb.QueryInput{
		TableName: aws.String(s.Table("Customers")), ConsistentRead: aws.Bool(true), Limit: aws.Int32(10_000),
		KeyConditionExpression:    aws.String("customer = :customer"),
		ProjectionExpression:      aws.String("#record"),
		ExpressionAttributeNames:  map[string]string{"#record": "record"},
		ExpressionAttributeValues: attribute.Item{":customer": attribute.Text(store.CustomerKey(account, code))},
	})
	began := time.Now()
	for pages.HasMorePages() {
		if _, err := pages.NextPage(ctx); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
