package stack

import (
	"cmp"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/shared/environment"
)

// Options of a stack.
type Options struct {
	Root       string            // of the repository; holds template.yaml
	Template   string            // another template's path; empty: Root/template.yaml
	Parameters map[string]string // of the template, over its defaults
	BinDir     string            // holds the built functions, see Build
	Port       int               // of the API, on 127.0.0.1; 0: any free one

	// Endpoint is DynamoDB for the stack itself, such as http://127.0.0.1:8000.
	Endpoint string
	// FunctionEndpoint is DynamoDB for the functions; empty: Endpoint. Tests put a proxy
	// here that counts or fails.
	FunctionEndpoint string
	// TablePrefix stands in front of table names, so that stacks can share one DynamoDB.
	TablePrefix string
	Region      string // empty: engine.Region
	// Credentials are for DynamoDB, for an Endpoint that looks at them. The zero value is
	// a made-up pair, and each function gets one of its own
	// (lambda.Function.AccessKeyID).
	Credentials aws.Credentials

	// Secrets are texts of the template's secrets by logical id, over those it generates.
	Secrets     map[string]string
	SecretsPort int // of Secrets Manager, on 127.0.0.1; 0: any free one

	// Authorities is a file of certificates that the functions trust in place of this
	// machine's, with an absolute path; empty: they trust what this machine does.
	Authorities string

	// KeysDir keeps the keys of KMS over restarts; empty: they are in memory only.
	KeysDir string
	KMSPort int // of KMS, on 127.0.0.1; 0: any free one

	// ScheduleEvery is the rate of all schedules; 0: the template's, negative: none runs.
	ScheduleEvery time.Duration
	Workers       int // most processes of one function; 0: 16
	// QueueTimeout is how long a request to the API waits for one of them when all are
	// busy; 0: as long as for its answer.
	QueueTimeout time.Duration
	// IntegrationPeriod is how long the API waits for a function; 0: API Gateway's 29 s.
	IntegrationPeriod time.Duration
	// Now is the clock that the API's limits of rates and the kept answers of its
	// authorizers go by; nil: the real one.
	Now func() time.Time

	// Log gets the lines of functions ("folder: ...") and of the stack; nil: nobody does.
	Log io.Writer
	// Started, when set, is told of every start of a function's process, as
	// lambda.Options says.
	Started func(folder string, took time.Duration)
	// Access, when set, is told of every answer of the API, from many goroutines at once
	// and before its caller has it. Its Function is the folder's name.
	Access func(apigateway.Access)
}

// fill puts defaults in place of what is empty.
func (o *Options) fill() {
	o.Template = cmp.Or(o.Template, filepath.Join(o.Root, "template.yaml"))
	o.FunctionEndpoint = cmp.Or(o.FunctionEndpoint, o.Endpoint)
	o.Workers = cmp.Or(o.Workers, 16)
	o.Region = cmp.Or(o.Region, engine.Region)
	if o.Log == nil {
		o.Log = io.Discard
	}
	o.Log = &oneAtATime{to: o.Log}
}

// config is for clients of the stack itself.
func (o *Options) config(transport *http.Transport) aws.Config {
	credentials := o.Credentials
	if credentials.AccessKeyID == "" { // the pair of AWS's documentation: opens nothing
		credentials.AccessKeyID, credentials.SecretAccessKey = "AKIAIOSFODNN7EXAMPLE", lambda.ExampleSecretKey
	}
	config := environment.AWS{
		Region: o.Region, Endpoint: o.Endpoint, Key: credentials.AccessKeyID,
		Secret: credentials.SecretAccessKey, Session: credentials.SessionToken,
	}.Config()
	config.HTTPClient = &http.Client{Transport: transport}
	return config
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
