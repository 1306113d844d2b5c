package units

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// Who calls, and for what. The data is made up and lives as long as the engine.
const (
	password        = "units-password-1"
	apiUser, apiKey = "units-user", "units-key-0123456789abcdef"
	app, appSecret  = "units-app", "units-secret-0123456789abcdef"
	account, tenant = "units-account", "units-tenant-0001"
)

// parameters make every run take the same calls: nothing is refused for its rate, no
// lease is renewed, no request runs out of time, the sweep has one part and so makes up
// for no minutes between two runs, and the end of an erasure waits for its writers, as it
// does on AWS, but not for minutes.
var parameters = map[string]string{
	"WriterLifetime": "5s", "ClockSkew": "1ms", "WorkerLease": "15m", "DrainBudget": "20s", "WorkerTimeout": "900",
	"ProvisionRate": "10000", "DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000",
	"ThrottleBurst":     "5000",
	"AllowSweepMinutes": "1",
}

// meteredStack is a local stack behind a meter.
type meteredStack struct {
	*stack.Stack
	meter *Meter
	api   client.Client
	token string // of the app
}

func start(ctx context.Context, endpoint string, log io.Writer) (_ *meteredStack, err error) {
	meter, err := NewMeter(endpoint)
	if err != nil {
		return nil, err
	}
	st := &meteredStack{meter: meter, api: client.Client{HTTP: &http.Client{Transport: &http.Transport{}}}}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	root := dynamotest.Root()
	st.Stack, err = stack.Start(ctx, stack.Options{
		Root: root, Endpoint: endpoint, FunctionEndpoint: meter.URL, BinDir: filepath.Join(root, ".cache", "bin"),
		Log:         log,
		TablePrefix: fmt.Sprintf("units-%d-", time.Now().UnixNano()), Parameters: parameters,
		ScheduleEvery: -1, // cleanup runs when it is told to
	})
	if err != nil {
		return nil, err
	}
	st.api.Base = st.URL
	meter.Know(st.Template)
	return st, nil
}

// close ends the stack, the tables stay.
func (s *meteredStack) close() {
	s.api.HTTP.CloseIdleConnections()
	if s.Stack != nil {
		s.Stack.Close()
	}
	s.meter.Close()
}

// send makes a call of operation 1 or 2.
func (s *meteredStack) send(ctx context.Context, r client.Request) error {
	return s.api.Expect(ctx, r, client.Done(client.JSON))
}

// remove is a call of operation 3.
func (s *meteredStack) remove(ctx context.Context, code string) error {
	r := client.DeleteCustomer(client.APIUser{Name: apiUser, Key: apiKey, Account: account}, code)
	return s.api.Expect(ctx, r, client.Deleted(client.XML, code))
}

// clean is a call of operation 4.
func (s *meteredStack) clean(ctx context.Context, numbers []string) error {
	return s.api.Expect(ctx, client.CleanCustomerData(numbers...).Bearer(s.token), client.Cleaned)
}

// issue is a call of operation 5, whose token is used from then on.
func (s *meteredStack) issue(ctx context.Context) (err error) {
	s.token, err = s.api.Token(ctx, app, appSecret)
	return err
}

// cleanup runs the function of that name once.
func (s *meteredStack) cleanup(ctx context.Context) error {
	_, err := s.Invoke(ctx, "cleanup", []byte(`{"source":"aws.events"}`))
	return err
}

// job is an open erasure.
type job struct {
	key  string
	due  time.Time // its next pass
	over bool      // its first pass is
}

// jobs are the open erasures.
func (s *meteredStack) jobs(ctx context.Context) (all []job, err error) {
	out, err := s.DynamoDB().Scan(ctx, &dynamodb.ScanInput{
		TableName: aws.String(s.Table("Erasures")), ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("attribute_exists(openShard)"),
	})
	if err != nil {
		return nil, err
	}
	for _, item := range out.Items {
		var j job
		due := attribute.ReadNumber(item, "dueAt")
		j.key, j.due = attribute.ReadText(item, "erasureId"), time.UnixMilli(due)
		if j.key == "" || due == 0 {
			return nil, fmt.Errorf("an open erasure without erasureId or dueAt")
		}
		// The request holds a customer's job while it deletes, and not at all when
		// everything went as the job was opened.
		passes := attribute.ReadNumber(item, "passes")
		j.over = passes != 0 || strings.HasPrefix(j.key, "customer-") && item["leaseUntil"] == nil
		all = append(all, j)
	}
	return all, nil
}

// work lets a worker take up the job, as cleanup does when it is due.
func (s *meteredStack) work(ctx context.Context, key string) error {
	event := fmt.Sprintf(
		`{"Records":[{"eventName":"INSERT","dynamodb":{"Keys":{"erasureId":{"S":%q}},"SequenceNumber":"1"}}]}`, key)
	said, err := s.Invoke(ctx, "continue-erasure", []byte(event))
	if err == nil && strings.Contains(string(said), "itemIdentifier") {
		err = fmt.Errorf("the worker did not get on: %s", said)
	}
	return err
}
