package units

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/setup"
	"customercare/infra/importer"
	"customercare/infra/local/stack"
)

// Who calls. The data is made up and lives as long as the DynamoDB Local.
const (
	password             = "units-password-1"
	apiUser, apiKey      = "units-user", "units-key-0123456789abcdef"
	app, appSecret       = "units-app", "units-secret-0123456789abcdef"
	provisionPath        = "/customercare/v1/%s/provision"
	deletePath           = "/"
	cleanPath            = "/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"
	tokenPath            = "/apigovernance/api/oauth/tokenByAkSk"
	inJSON, inUrlencoded = "application/json", "application/x-www-form-urlencoded"
)

// parameters make every run take the same calls: nothing is refused for its rate, no lease is renewed, no request runs out of
// time, the sweep has one part and so makes up for no minutes between two runs, and the end of an erasure waits for its writers, as it does on AWS, but not for minutes.
var parameters = map[string]string{
	"WriterLifetime": "5s", "ClockSkew": "1ms", "WorkerLease": "15m", "DrainBudget": "20s", "WorkerTimeout": "900",
	"ProvisionRate": "10000", "DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000", "ThrottleBurst": "5000",
	"AllowSweepMinutes": "1",
}

// stand is a local stack behind a meter.
type stand struct {
	*stack.Stack
	meter  *Meter
	client *http.Client
	token  string // of the app
}

func start(ctx context.Context, s setup.Setup) (_ *stand, err error) {
	meter, err := NewMeter(s.Endpoint)
	if err != nil {
		return nil, err
	}
	st := &stand{meter: meter, client: &http.Client{Transport: &http.Transport{}}}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	st.Stack, err = stack.Start(ctx, stack.Options{
		Root: s.Root, Endpoint: s.Endpoint, FunctionEndpoint: meter.URL, BinDir: s.Bin, Log: s.Log,
		TablePrefix: fmt.Sprintf("units-%d-", time.Now().UnixNano()), Parameters: parameters,
		ScheduleEvery: -1, // cleanup runs when it is told to
	})
	if err != nil {
		return nil, err
	}
	meter.Know(st.Template)
	return st, nil
}

// close ends the stack, the tables stay.
func (s *stand) close() {
	s.client.CloseIdleConnections()
	if s.Stack != nil {
		s.Stack.Close()
	}
	s.meter.Close()
}

// load puts records of `make import`, one JSON object each.
func (s *stand) load(ctx context.Context, records ...string) error {
	var refused error
	_, err := importer.Load(ctx, importer.Options{
		Client: s.DynamoDB(), Tables: importer.Tables{Users: s.Table("Users"), Principals: s.Table("Principals")},
		Report: func(line int, sentence string) { refused = fmt.Errorf("record %d: %s", line, sentence) },
	}, strings.NewReader(strings.Join(records, "\n")))
	if err == nil {
		err = refused
	}
	return err
}

// send makes a call, whose answer must hold want.
func (s *stand) send(ctx context.Context, method, path, media, body, want string, headers ...string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || !strings.Contains(string(said), want)) {
		err = fmt.Errorf("%s %s: status %d: %s", method, path, answer.StatusCode, said)
	}
	return string(said), err
}

// provision is a call of operation 1 or 2 by an operator.
func (s *stand) provision(ctx context.Context, operator, method, user, query, body string) error {
	_, err := s.send(ctx, method, fmt.Sprintf(provisionPath, user)+query, inJSON, body, `"status":true`,
		"Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(operator+":"+password)))
	return err
}

// remove is a call of operation 3.
func (s *stand) remove(ctx context.Context, code string) error {
	form := "type=customer_delete&account_id=" + bed.Account + "&user_id=" + apiUser + "&user_password=" + apiKey + "&code=" + code
	_, err := s.send(ctx, http.MethodPost, deletePath, inUrlencoded, form, `<customer status="deleted">`)
	return err
}

// clean is a call of operation 4.
func (s *stand) clean(ctx context.Context, numbers []string) error {
	body, err := json.Marshal(map[string][]string{"customNos": numbers})
	if err != nil {
		return err
	}
	_, err = s.send(ctx, http.MethodPost, cleanPath, inJSON, string(body), "VerifyParams success", "Authorization: Bearer "+s.token)
	return err
}

// issue is a call of operation 5, whose token is used from then on.
func (s *stand) issue(ctx context.Context) error {
	said, err := s.send(ctx, http.MethodPost, tokenPath, inJSON, `{"app_key":"`+app+`","app_secret":"`+appSecret+`"}`, "AccessToken")
	if err != nil {
		return err
	}
	var token struct{ AccessToken string }
	err = json.Unmarshal([]byte(said), &token)
	s.token = token.AccessToken
	return err
}

// cleanup runs the function of that name once.
func (s *stand) cleanup(ctx context.Context) error {
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
func (s *stand) jobs(ctx context.Context) (all []job, err error) {
	out, err := s.DynamoDB().Scan(ctx, &dynamodb.ScanInput{
		TableName: aws.String(s.Table("Erasures")), ConsistentRead: aws.Bool(true), FilterExpression: aws.String("attribute_exists(openShard)"),
	})
	if err != nil {
		return nil, err
	}
	for _, item := range out.Items {
		var j job
		var due int64
		key, _ := item["erasureId"].(*types.AttributeValueMemberS)
		at, _ := item["dueAt"].(*types.AttributeValueMemberN)
		if key == nil || at == nil {
			return nil, fmt.Errorf("an open erasure without erasureId or dueAt")
		}
		if _, err := fmt.Sscan(at.Value, &due); err != nil {
			return nil, err
		}
		j.key, j.due = key.Value, time.UnixMilli(due)
		// The request holds a customer's job while it deletes, and not at all when everything went as the job was opened.
		passes, _ := item["passes"].(*types.AttributeValueMemberN)
		j.over = passes != nil && passes.Value != "0" || strings.HasPrefix(j.key, "customer-") && item["leaseUntil"] == nil
		all = append(all, j)
	}
	return all, nil
}

// work lets a worker take up the job, as cleanup does when it is due.
func (s *stand) work(ctx context.Context, key string) error {
	event := fmt.Sprintf(`{"Records":[{"eventName":"INSERT","dynamodb":{"Keys":{"erasureId":{"S":%q}},"SequenceNumber":"1"}}]}`, key)
	said, err := s.Invoke(ctx, "continue-erasure", []byte(event))
	if err == nil && strings.Contains(string(said), "itemIdentifier") {
		err = fmt.Errorf("the worker did not get on: %s", said)
	}
	return err
}
