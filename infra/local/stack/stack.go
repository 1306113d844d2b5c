// Package stack runs template.yaml on one machine: the real function binaries behind an
// API Gateway, on the tables, with the secrets, the stream and the schedules. What AWS
// does with the template is done here, nothing of it is written down twice. "make run"
// and the end-to-end tests start it.
package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/kms"
	"customercare/infra/local/lambda"
	"customercare/infra/local/secrets"
	"customercare/infra/local/stream"
	"customercare/infra/local/template"
)

// Stack is a running stack.
type Stack struct {
	// URL of the API, "http://127.0.0.1:<port>": routes follow it without the stage's
	// name. It is empty before Serve.
	URL      string
	Template *template.Template

	options   Options // filled
	dynamoDB  *dynamodb.Client
	transport *http.Transport // of all clients of DynamoDB
	secrets   *secrets.Server
	keys      []kms.Key
	kms       *kms.Server
	functions *lambda.Service
	server    *apigateway.Server
	pollers   []*stream.Poller
	stop      context.CancelFunc // ends the schedules
	schedules sync.WaitGroup
	closeOnce sync.Once
}

// Start creates the tables that are missing and runs everything else until Close. The
// functions must have been built into BinDir. ctx bounds the start only.
func Start(ctx context.Context, opts Options) (*Stack, error) {
	s, err := Prepare(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := s.Serve(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Prepare does the first half of Start: it creates the tables that are missing. What the
// first request must find in them is loaded now; nothing listens before Serve.
func Prepare(ctx context.Context, opts Options) (*Stack, error) {
	opts.fill()
	s := &Stack{options: opts, stop: func() {}}
	var err error
	s.Template, err = template.Settings{
		Region: opts.Region, TablePrefix: opts.TablePrefix,
		BeyondBounds: true, // tests and loads take numbers that no deployment may have
	}.Load(opts.Template, opts.Parameters)
	if err != nil {
		return nil, err
	}
	for logicalID, text := range opts.Secrets {
		all := s.Template.Secrets
		at := slices.IndexFunc(all, func(secret secrets.Secret) bool { return secret.LogicalID == logicalID })
		if at < 0 {
			return nil, fmt.Errorf("the template has no secret %q", logicalID)
		}
		all[at].Text = text
	}
	for _, logicalID := range s.Template.Keys {
		key, err := kms.Open(opts.KeysDir, opts.Region, template.AccountID, logicalID)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, key)
	}
	s.Template.API.IntegrationPeriod, s.Template.API.Now = opts.IntegrationPeriod, opts.Now
	// The SDK's own transport would keep connections open when all is closed.
	s.transport = awshttp.NewBuildableClient().GetTransport()
	s.dynamoDB = dynamodb.NewFromConfig(opts.config(s.transport))
	if err := createTables(ctx, s.dynamoDB, s.Template.Tables); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Serve does the second half of Start: it runs everything, takes requests at URL, which
// it sets, and returns. Call it once. After an error the Stack is still to be closed.
func (s *Stack) Serve(ctx context.Context) (err error) {
	t, opts := s.Template, s.options
	secretsAt, err := listen(opts.SecretsPort)
	if err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	s.secrets = secrets.Serve(secretsAt, t.Secrets)
	kmsAt, err := listen(opts.KMSPort)
	if err != nil {
		return fmt.Errorf("KMS: %w", err)
	}
	s.kms = kms.Serve(kmsAt, s.keys)
	environment := map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": opts.FunctionEndpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER": s.secrets.URL,
		"AWS_ENDPOINT_URL_KMS": s.kms.URL,
	}
	if opts.Authorities != "" {
		environment["SSL_CERT_FILE"] = opts.Authorities // Go reads it
	}
	s.functions, err = lambda.New(lambda.Options{
		Account: lambda.Account{ID: template.AccountID, Region: opts.Region, Credentials: opts.Credentials},
		BinDir:  opts.BinDir, Environment: environment,
		Workers: opts.Workers, QueueTimeout: opts.QueueTimeout,
		Log: opts.Log, Started: opts.Started,
	}, t.Functions)
	if err != nil {
		return err
	}
	gateway, err := apigateway.New(t.API, s.functions.Request, opts.Log)
	if err != nil {
		return err
	}
	if opts.Access != nil {
		folders := map[string]string{}
		for _, f := range t.Functions {
			folders[f.Name] = f.Folder
		}
		gateway.Access = func(a apigateway.Access) {
			a.Function = folders[a.Function]
			opts.Access(a)
		}
	}
	if err := s.startStreams(ctx); err != nil {
		return err
	}
	listener, err := listen(opts.Port)
	if err != nil {
		return fmt.Errorf("API: %w", err)
	}
	running, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.startSchedules(running)
	s.URL = "http://" + listener.Addr().String()
	s.server = gateway.Serve(listener)
	return nil
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
}

func (s *Stack) startStreams(ctx context.Context) error {
	opts, streams := s.options, dynamodbstreams.NewFromConfig(s.options.config(s.transport))
	for _, m := range s.Template.Streams {
		arn, err := streamOf(ctx, s.dynamoDB, m.Table)
		if err != nil {
			return err
		}
		s.pollers = append(s.pollers, stream.Start(stream.Options{
			Mapping: m, Client: streams, StreamARN: arn, Region: opts.Region, Invoke: s.functions.Invoke, Log: opts.Log,
		}))
	}
	return nil
}

// DynamoDB gives a client of the tables that goes past FunctionEndpoint.
func (s *Stack) DynamoDB() *dynamodb.Client { return s.dynamoDB }

// Secrets gives the Secrets Manager that the functions ask.
func (s *Stack) Secrets() *secrets.Server { return s.secrets }

// KMS gives the KMS that the functions ask.
func (s *Stack) KMS() *kms.Server { return s.kms }

// Table gives the name in DynamoDB of the table the template calls logicalID; empty when
// there is none.
func (s *Stack) Table(logicalID string) string {
	for _, t := range s.Template.Tables {
		if t.LogicalID == logicalID {
			return t.Name
		}
	}
	return ""
}

// Invoke calls the function in functions/<folder> with a JSON event and returns its JSON
// answer. A function that fails, dies or takes too long gives a *lambda.Error.
func (s *Stack) Invoke(ctx context.Context, folder string, event []byte) ([]byte, error) {
	f, ok := s.Template.Function(folder)
	if !ok {
		return nil, fmt.Errorf("the template has no function in the folder %q", folder)
	}
	return s.functions.Invoke(ctx, f.Name, event)
}

// Kill ends all processes of the function in functions/<folder> at once (SIGKILL) and
// returns when they are gone. What they were doing fails; later invocations get new
// processes.
func (s *Stack) Kill(folder string) error {
	f, ok := s.Template.Function(folder)
	if !ok {
		return errors.New("the template has no function in the folder " + folder)
	}
	s.functions.Kill(f.Name)
	return nil
}

// Close ends everything Start, or Prepare and Serve, started and returns when every
// process is gone. Tables stay.
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
		if s.kms != nil {
			s.kms.Close()
		}
		if s.server != nil {
			s.server.Close()
		}
		s.transport.CloseIdleConnections()
	})
}
