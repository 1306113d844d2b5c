package bench_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/infra/local/stack"
)

// Bench is what every table is measured with: the functions and the floors as binaries of
// this machine, and a DynamoDB engine in memory, in which each table has tables of its
// own.
type Bench struct {
	Root      string    // of the repository
	Endpoint  string    // of the engine
	Functions string    // <Functions>/<folder of functions/>/bootstrap
	Floors    string    // <Floors>/<folder of infra/bench/floor/>/bootstrap
	Log       io.Writer // lines of the functions and floors
	Say       func(format string, args ...any)

	started func(folder string, took time.Duration) // nil, or told of every start of a process
	through string                                  // where programs find their DynamoDB; "": at Endpoint
}

// New is a bench in the repository at root, still without an engine.
func New(root string, log io.Writer, say func(format string, args ...any)) *Bench {
	built := filepath.Join(root, ".cache", "bench")
	return &Bench{
		Root: root, Log: log, Say: say,
		Functions: filepath.Join(built, "functions"), Floors: filepath.Join(built, "floors"),
	}
}

// Build compiles the functions and the floors to where b says that they are.
func (b *Bench) Build(ctx context.Context) error {
	if err := stack.Build(ctx, b.Root, b.Functions); err != nil {
		return err
	}
	return stack.BuildUnder(ctx, b.Root, filepath.Join("infra", "bench", "floor"), b.Floors)
}

// site is a stack, the floors that run beside its functions, and who calls it.
type site struct {
	*stack.Stack
	prefix   string          // of the tables' names
	floors   *lambda.Service // by the folders of floor and function: "warm/issue-token"
	api      client.Client
	endpoint string // of the engine
	token    string // of the app
}

// whole starts a site with the floor of erasures. A first call of operation 4 starts a
// worker.
func (b *Bench) whole(ctx context.Context, name string) (*site, error) {
	s, err := b.start(ctx, name, false, eraseFloor)
	if err != nil {
		return nil, err
	}
	if err = fixture.Load(ctx, s.DynamoDB(), fixture.Tables(s.Table), erasers()...); err == nil {
		s.token, err = s.api.Token(ctx, app, secret)
	}
	if err == nil {
		err = s.clean(ctx, "nobody")
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// start starts a site, on which no limit of rates is in the way; what is not said here
// is the template's. Each floor runs in the environment of every function, which it
// stands for. One that is alone has no streams and schedules: nothing else works on its
// tables.
func (b *Bench) start(ctx context.Context, name string, alone bool, floors ...string) (s *site, err error) {
	options := stack.Options{
		Root: b.Root, Endpoint: b.Endpoint, FunctionEndpoint: b.through, BinDir: b.Functions, Log: b.Log,
		TablePrefix: fmt.Sprintf("%s-%d-", name, time.Now().UnixNano()), Started: b.started,
		Parameters: map[string]string{
			"DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000", "ThrottleBurst": "5000",
		},
	}
	if alone {
		options.ScheduleEvery = -1
	}
	st, err := stack.Prepare(ctx, options)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			st.Close()
		}
	}()
	if alone {
		st.Template.Streams = nil
	}
	if err := st.Serve(ctx); err != nil {
		return nil, err
	}
	var all []lambda.Function
	for _, f := range st.Template.Functions {
		for _, floor := range floors {
			of := f
			of.Name, of.Folder, of.Timeout = floor+"/"+f.Folder, floor, time.Hour
			all = append(all, of)
		}
	}
	service, err := lambda.New(lambda.Options{
		Account: lambda.Account{ID: "123456789012", Region: engine.Region}, BinDir: b.Floors, Workers: 1,
		Log: b.Log, Started: b.started, Environment: map[string]string{
			"AWS_ENDPOINT_URL_DYNAMODB":        cmp.Or(b.through, b.Endpoint),
			"AWS_ENDPOINT_URL_SECRETS_MANAGER": st.Secrets().URL,
		},
	}, all)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	api := client.Client{Base: st.URL, HTTP: &http.Client{Transport: transport}}
	return &site{Stack: st, prefix: options.TablePrefix, floors: service, api: api, endpoint: b.Endpoint}, err
}

// invoke is an invocation of a function, or of a floor by its name in floors.
func (s *site) invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	if strings.Contains(name, "/") {
		return s.floors.Invoke(ctx, name, event)
	}
	return s.Invoke(ctx, name, event)
}

// timed is invoke with how long it took.
func (s *site) timed(ctx context.Context, name string, event []byte) (answer []byte, took time.Duration, err error) {
	began := time.Now()
	answer, err = s.invoke(ctx, name, event)
	return answer, time.Since(began), err
}

// kill ends the process of a function or floor, so that its next invocation starts one.
func (s *site) kill(name string) {
	s.floors.Kill(name)
	_ = s.Kill(name) // has no floors
}

// close ends everything. The tables stay.
func (s *site) close() {
	s.api.HTTP.CloseIdleConnections()
	s.floors.Close()
	s.Stack.Close()
}

// runFloor runs the floor of erasures with command, in the environment of
// delete-customer, and fails unless it deleted items items.
func (s *site) runFloor(ctx context.Context, items int, command object) (took time.Duration, err error) {
	event, err := json.Marshal(command)
	if err != nil {
		return 0, err
	}
	answer, took, err := s.timed(ctx, eraseFloor+"/delete-customer", event)
	if err != nil {
		return took, fmt.Errorf("the floor: %w", err)
	}
	var done struct{ Deleted int }
	if err := json.Unmarshal(answer, &done); err != nil {
		return took, err
	}
	if done.Deleted != items {
		err = fmt.Errorf("the floor deleted %d of %d items", done.Deleted, items)
	}
	return took, err
}

// Who asks for erasures, and of what. The data is made up and lives as long as the
// engine.
const (
	account, tenant = "bench-account", "bench-tenant"
	apiUser, apiKey = "bench-user", "bench-key-0123456789abcdef"
	app, secret     = "bench-app", "bench-secret-0123456789abcdef"
)

func erasers() []fixture.Record {
	return []fixture.Record{fixture.APIUser(apiUser, apiKey, account), fixture.App(app, secret, tenant)}
}

// remove is a call of operation 3, whose answer must be that the customer is deleted.
func (s *site) remove(ctx context.Context, code string) error {
	return s.api.Expect(ctx, deletion(code), client.Deleted(client.XML, code))
}

func deletion(code string) client.Request {
	return client.DeleteCustomer(client.APIUser{Name: apiUser, Key: apiKey, Account: account}, code)
}

// clean is a call of operation 4, whose answer must be success.
func (s *site) clean(ctx context.Context, numbers ...string) error {
	return s.api.Expect(ctx, client.CleanCustomerData(numbers...).Bearer(s.token), client.Cleaned)
}

// fillCustomers puts one customer for each code, with so many transactions each, into the
// stack's table.
func (s *site) fillCustomers(ctx context.Context, transactions int, codes ...string) error {
	var records []fixture.Record
	for _, code := range codes {
		records = append(records, fixture.CustomerWith(account, code, transactions)...)
	}
	return fixture.Fill(ctx, s.DynamoDB(), s.Table("Customers"), slices.Values(records))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
