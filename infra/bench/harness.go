package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/infra/local/secrets"
	"customercare/infra/local/stack"
)

// Bench is what every table is measured with: the functions and the floors as binaries of this
// machine, and a DynamoDB engine in memory, in which each table has tables of its own.
type Bench struct {
	Root      string    // of the repository
	Endpoint  string    // of the engine
	Engine    string    // its name and version
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

// Prepare builds the functions and the floors and starts an engine, which ends with end. What
// is up to date builds in a second.
func (b *Bench) Prepare(ctx context.Context) (end func(), err error) {
	cache := filepath.Join(b.Root, ".cache")
	var database *engine.Server
	starting, startingCtx := errgroup.WithContext(ctx)
	starting.Go(func() error { return b.Build(startingCtx) })
	starting.Go(func() (err error) {
		database, err = engine.Start(startingCtx, engine.Options{CacheDir: cache})
		return err
	})
	err = starting.Wait()
	end = func() {}
	if database != nil {
		end, b.Endpoint, b.Engine = database.Close, database.Endpoint, database.Name
	}
	return end, err
}

// Build compiles the functions and the floors to where b says that they are.
func (b *Bench) Build(ctx context.Context) error {
	if err := stack.Build(ctx, b.Root, b.Functions); err != nil {
		return err
	}
	return stack.BuildUnder(ctx, b.Root, filepath.Join("infra", "bench", "floor"), b.Floors)
}

// programs runs functions and floors as Lambda would. Nothing else is at work on the tables of
// its stack when that does not serve.
type programs struct {
	*stack.Stack
	functions *lambda.Service // by folder
	floors    *lambda.Service // by the folder of the floor and that of the function: "warm/issue-token"
}

// alone makes tables of their own for functions and floors. There is no API, no stream and no
// schedule.
func (b *Bench) alone(ctx context.Context, name string, floors ...string) (*programs, func(), error) {
	st, err := stack.Prepare(ctx, stack.Options{Root: b.Root, Endpoint: b.Endpoint, TablePrefix: b.prefix(name)})
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	keys := secrets.Serve(listener, st.Template.Secrets)
	p, err := b.programs(st, keys.URL, floors)
	if err != nil {
		keys.Close()
		st.Close()
		return nil, nil, err
	}
	return p, func() { p.close(); keys.Close(); st.Close() }, nil
}

// programs runs the stack's functions, and floors: each of them in the environment of every
// function, which it stands for.
func (b *Bench) programs(st *stack.Stack, keys string, floors []string) (*programs, error) {
	options := lambda.Options{
		Account: lambda.Account{ID: "123456789012", Region: engine.Region}, Workers: 1, Log: b.Log, Started: b.started,
		Environment: map[string]string{
			"AWS_ENDPOINT_URL_DYNAMODB":        cmp.Or(b.through, b.Endpoint),
			"AWS_ENDPOINT_URL_SECRETS_MANAGER": keys,
		},
	}
	var ours, least []lambda.Function
	for _, f := range st.Template.Functions {
		for _, floor := range floors {
			of := f
			of.Name, of.Folder, of.Timeout = floor+"/"+f.Folder, floor, time.Hour
			least = append(least, of)
		}
		f.Name = f.Folder
		ours = append(ours, f)
	}
	p := &programs{Stack: st}
	var err error
	options.BinDir = b.Functions
	if p.functions, err = lambda.New(options, ours); err != nil {
		return nil, err
	}
	options.BinDir = b.Floors
	if p.floors, err = lambda.New(options, least); err != nil {
		p.functions.Close()
	}
	return p, err
}

// close ends all processes.
func (p *programs) close() {
	p.functions.Close()
	p.floors.Close()
}

// ask invokes a floor, in the environment of delete-customer, with a command and reads its
// answer.
func (p *programs) ask(ctx context.Context, floor string, command, answer any) error {
	event, err := json.Marshal(command)
	if err != nil {
		return err
	}
	said, err := p.floors.Request(ctx, floor+"/delete-customer", event)
	if err != nil {
		return fmt.Errorf("floor %s: %w", floor, err)
	}
	return json.Unmarshal(said, answer)
}

// prefix is one that no other run has used.
func (b *Bench) prefix(name string) string { return fmt.Sprintf("%s-%d-", name, time.Now().UnixNano()) }

// Who asks for erasures, and of what. The data is made up and lives as long as the engine.
const (
	account, tenant = "bench-account", "bench-tenant"
	apiUser, apiKey = "bench-user", "bench-key-0123456789abcdef"
	app, secret     = "bench-app", "bench-secret-0123456789abcdef"
)

func erasers() []fixture.Record {
	return []fixture.Record{fixture.APIUser(apiUser, apiKey, account), fixture.App(app, secret, tenant)}
}

// site is a whole stack, and the floors beside it. All limits of rates are out of the way; what
// is not said here is the template's.
type site struct {
	*stack.Stack
	floors *programs
	api    client.Client
	token  string // of the app
}

// site starts the stack and lets a first call of operation 4 start a worker.
func (b *Bench) site(ctx context.Context, name string, floors ...string) (_ *site, err error) {
	s := &site{api: client.Client{HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.Stack, err = stack.Start(ctx, stack.Options{
		Root: b.Root, Endpoint: b.Endpoint, BinDir: b.Functions, TablePrefix: b.prefix(name), Log: b.Log,
		Parameters: map[string]string{
			"DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000", "ThrottleBurst": "5000",
		},
	})
	if err != nil {
		return nil, err
	}
	s.api.Base = s.URL
	if s.floors, err = b.programs(s.Stack, s.Secrets().URL, floors); err != nil {
		return nil, err
	}
	err = fixture.Load(ctx, s.DynamoDB(), fixture.Tables(s.Table), erasers()...)
	if err != nil {
		return nil, err
	}
	if s.token, err = s.api.Token(ctx, app, secret); err != nil {
		return nil, err
	}
	return s, s.clean(ctx, "nobody")
}

func (s *site) close() {
	s.api.HTTP.CloseIdleConnections()
	if s.floors != nil {
		s.floors.close()
	}
	if s.Stack != nil {
		s.Stack.Close()
	}
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
	each := 1 + transactions
	return fixture.Fill(ctx, s.DynamoDB(), s.Table("Customers"), len(codes)*each, func(i int) attribute.Item {
		if i%each == 0 {
			return fixture.StoredCustomer(account, codes[i/each])
		}
		return fixture.StoredTransaction(account, codes[i/each], i%each-1)
	})
}

// inTurn does all of steps, in another order each round, so that none is always the one that
// comes after another.
func inTurn(round int, steps ...func() error) error {
	for i := range steps {
		if err := steps[(i+round)%len(steps)](); err != nil {
			return err
		}
	}
	return nil
}

// until asks done every so often until it is, or ctx ends.
func until(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	for {
		is, err := done()
		if is || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(every):
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
