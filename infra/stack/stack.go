// Package stack runs template.yaml on one machine: the real function binaries behind an API Gateway, on the tables,
// with the secrets, the stream and the schedules. What AWS does with the template is done here, nothing of it is
// written down twice. "make run" and the end-to-end tests start it.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"customercare/infra/stack/apigateway"
	"customercare/infra/stack/lambda"
	"customercare/infra/stack/secrets"
	"customercare/infra/stack/stream"
)

// accountID is the account of AWS's documentation.
const accountID = "123456789012"

// Options of a stack.
type Options struct {
	Root             string            // of the repository; holds template.yaml
	Template         string            // another template's path; empty: Root/template.yaml
	Port             int               // of the API, on 127.0.0.1; 0: any free one
	Endpoint         string            // DynamoDB for the stack itself, e.g. http://127.0.0.1:8000
	FunctionEndpoint string            // DynamoDB for the functions; empty: Endpoint. Tests put a counting or failing proxy here
	Parameters       map[string]string // of the template, over its defaults
	ScheduleEvery    time.Duration     // rate of all schedules; 0: the template's, negative: none
	TablePrefix      string            // in front of table names, so that stacks can share one DynamoDB
	BinDir           string            // holds the built functions, see Build
	Log              io.Writer         // lines of functions ("folder: ...") and of the stack; nil: nowhere
	Workers          int               // most processes of one function; 0: 16
	Patience         time.Duration     // how long a request to the API waits for one of them; 0: 500 ms
	Region           string            // empty: us-east-1
	// Credentials for DynamoDB, for an Endpoint that looks at them. The zero value is a made-up pair, and each function
	// gets one of its own (lambda.Function.AccessKeyID).
	Credentials aws.Credentials
	Secrets     map[string]string // texts of the template's secrets by logical id, over those it generates
	SecretsPort int               // of Secrets Manager, on 127.0.0.1; 0: any free one
	// IntegrationPeriod is how long the API waits for a function; 0: API Gateway's 29 s.
	IntegrationPeriod time.Duration
	// Access, when set, is told of every answer of the API, from many goroutines at once and before
	// its caller has it. Its Function is the folder's name.
	Access func(apigateway.Access)
}

// Stack is a running stack.
type Stack struct {
	URL      string // of the API: "http://127.0.0.1:<port>", routes follow without the stage's name
	Template *Template

	dynamoDB  *dynamodb.Client
	transport *http.Transport // of all clients of DynamoDB
	secrets   *secrets.Server
	functions *lambda.Service
	server    *apigateway.Server
	pollers   []*stream.Poller
	stop      context.CancelFunc // ends the schedules
	schedules sync.WaitGroup
	closeOnce sync.Once
}

// Start creates the tables that are missing and runs everything else until Close. The functions must have been built
// into BinDir. ctx bounds the start only.
func Start(ctx context.Context, opts Options) (_ *Stack, err error) {
	given := opts.Credentials
	opts.fill()
	t, err := load(opts.Template, opts.Parameters, settings{
		region: opts.Region, account: accountID, tablePrefix: opts.TablePrefix,
		beyondBounds: true, // tests and loads take numbers that no deployment may have
	})
	if err != nil {
		return nil, err
	}
	t.API.IntegrationPeriod = opts.IntegrationPeriod
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(opts.Port))
	if err != nil {
		return nil, fmt.Errorf("API: %w", err)
	}
	running, stop := context.WithCancel(context.Background())
	s := &Stack{URL: "http://" + listener.Addr().String(), Template: t, stop: stop,
		// The SDK's own transport would keep connections open when all is closed.
		transport: awshttp.NewBuildableClient().GetTransport(),
	}
	defer func() {
		if err != nil {
			listener.Close()
			s.Close()
		}
	}()
	config := opts.config(s.transport)
	client := dynamodb.NewFromConfig(config)
	s.dynamoDB = client
	if err := createTables(ctx, client, t.Tables); err != nil {
		return nil, err
	}
	if s.secrets, err = serveSecrets(t.Secrets, opts); err != nil {
		return nil, err
	}
	s.functions, err = lambda.New(lambda.Options{
		Account: lambda.Account{ID: accountID, Region: opts.Region, Credentials: given},
		BinDir:  opts.BinDir,
		Environment: map[string]string{
			"AWS_ENDPOINT_URL_DYNAMODB": opts.FunctionEndpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER": s.secrets.URL,
		},
		Workers: opts.Workers, Patience: opts.Patience,
		Log: opts.Log,
	}, t.Functions)
	if err != nil {
		return nil, err
	}
	gateway, err := apigateway.New(t.API, s.functions.Request, opts.Log)
	if err != nil {
		return nil, err
	}
	gateway.Access = t.byFolder(opts.Access)
	if err := s.startStreams(ctx, client, dynamodbstreams.NewFromConfig(config), opts); err != nil {
		return nil, err
	}
	s.startSchedules(running, opts)
	s.server = gateway.Serve(listener)
	return s, nil
}

func (o *Options) fill() {
	o.Template = cmp.Or(o.Template, filepath.Join(o.Root, "template.yaml"))
	o.FunctionEndpoint = cmp.Or(o.FunctionEndpoint, o.Endpoint)
	o.Workers = cmp.Or(o.Workers, 16)
	o.Patience = cmp.Or(o.Patience, 500*time.Millisecond)
	o.Region = cmp.Or(o.Region, "us-east-1")
	if o.Credentials.AccessKeyID == "" {
		// The pair of AWS's documentation: opens nothing.
		o.Credentials = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: lambda.ExampleSecretKey}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	o.Log = &oneAtATime{to: o.Log}
}

func (o *Options) config(transport *http.Transport) aws.Config {
	return aws.Config{
		HTTPClient:   &http.Client{Transport: transport},
		Region:       o.Region,
		BaseEndpoint: aws.String(o.Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return o.Credentials, nil
		}),
	}
}

func (s *Stack) startStreams(ctx context.Context, client *dynamodb.Client, streams *dynamodbstreams.Client, opts Options) error {
	for _, m := range s.Template.Streams {
		arn, err := streamOf(ctx, client, m.Table)
		if err != nil {
			return err
		}
		s.pollers = append(s.pollers, stream.Start(stream.Options{
			Mapping: m, Client: streams, StreamARN: arn, Region: opts.Region, Invoke: s.functions.Invoke, Log: opts.Log,
		}))
	}
	return nil
}

func (s *Stack) startSchedules(ctx context.Context, opts Options) {
	if opts.ScheduleEvery < 0 {
		return
	}
	for _, schedule := range s.Template.Schedules {
		every := cmp.Or(opts.ScheduleEvery, schedule.Every)
		if every == 0 {
			s.Template.Ignored = append(s.Template.Ignored, fmt.Sprintf("schedule %s (%s is no rate)", schedule.Name, schedule.Expr))
			continue
		}
		s.schedules.Go(func() { schedule.run(ctx, every, opts.Region, accountID, s.functions.Invoke) })
	}
}

// DynamoDB gives a client of the tables that goes past FunctionEndpoint.
func (s *Stack) DynamoDB() *dynamodb.Client { return s.dynamoDB }

// Secrets gives the Secrets Manager that the functions ask.
func (s *Stack) Secrets() *secrets.Server { return s.secrets }

// Table gives the name in DynamoDB of the table the template calls logicalID; empty when there is none.
func (s *Stack) Table(logicalID string) string {
	for _, t := range s.Template.Tables {
		if t.LogicalID == logicalID {
			return t.Name
		}
	}
	return ""
}

// Invoke calls the function in functions/<folder> with a JSON event and returns its JSON answer. A function that
// fails, dies or takes too long gives a *lambda.Error.
func (s *Stack) Invoke(ctx context.Context, folder string, event []byte) ([]byte, error) {
	f, ok := s.Template.Function(folder)
	if !ok {
		return nil, fmt.Errorf("the template has no function in the folder %q", folder)
	}
	return s.functions.Invoke(ctx, f.Name, event)
}

// Kill ends all processes of the function in functions/<folder> at once (SIGKILL) and returns when they are gone. What
// they were doing fails; later invocations get new processes.
func (s *Stack) Kill(folder string) error {
	f, ok := s.Template.Function(folder)
	if !ok {
		return errors.New("the template has no function in the folder " + folder)
	}
	s.functions.Kill(f.Name)
	return nil
}

// Close ends everything Start started and returns when every process is gone. Tables stay.
func (s *Stack) Close() {
	s.closeOnce.Do(func() {
		s.stop()
		for _, p := range s.pollers {
			p.Close()
		}
		s.schedules.Wait()
		if s.functions != nil {
			s.functions.Close()
		}
		if s.secrets != nil {
			s.secrets.Close()
		}
		if s.server != nil {
			s.server.Close()
		}
		s.transport.CloseIdleConnections()
	})
}

// oneAtATime lets many goroutines write to one writer.
type oneAtATime struct {
	mu sync.Mutex
	to io.Writer
}

func (w *oneAtATime) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
