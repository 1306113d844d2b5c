package local

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/caarlos0/env/v11"
)

// settings of one run, from the environment. A variable that is empty is not set.
type settings struct {
	Port          port          `env:"PORT" envDefault:"3000"`
	SecretsPort   port          `env:"SECRETS_PORT" envDefault:"3001"`
	KMSPort       port          `env:"KMS_PORT" envDefault:"3002"`
	DynamoDBPort  port          `env:"DYNAMODB_PORT" envDefault:"8000"`
	DocsPort      port          `env:"DOCS_PORT" envDefault:"3003"`
	SecretsHost   host          `env:"SECRETS_HOST"`      // where containers reach the stand-ins, too
	Endpoint      *url.URL      `env:"DYNAMODB_ENDPOINT"` // of a DynamoDB that runs already, or nil
	DataDir       string        `env:"DATA_DIR"`          // empty: tables live in memory
	ScheduleEvery time.Duration `env:"SCHEDULE_EVERY" envDefault:"5s"`
	Parameters    parameters    `env:"PARAMETERS"`
	Authorities   string        `env:"SSL_CERT_FILE"` // that the functions trust; empty: this machine's
	Verbose       bool          `env:"VERBOSE"`
	Log           logFormat     `env:"LOG"`
	NoColor       string        `env:"NO_COLOR"`
	Term          string        `env:"TERM"`

	// Of these only a real DynamoDB knows.
	AWSRegion       string `env:"AWS_REGION"`
	AccessKeyID     string `env:"AWS_ACCESS_KEY_ID"`
	SecretAccessKey string `env:"AWS_SECRET_ACCESS_KEY"`
	SessionToken    string `env:"AWS_SESSION_TOKEN"`

	aws         bool // Endpoint is AWS's
	region      string
	credentials aws.Credentials // zero: made-up pairs, which our engine takes
	tablePrefix string          // in front of the tables' names; only tests have one
}

// readSettings reports everything that is wrong at once, a sentence for each.
func readSettings(environment map[string]string) (settings, error) {
	var s settings
	var faults []error
	if err := env.ParseWithOptions(&s, env.Options{Environment: environment, FuncMap: parsers}); err != nil {
		var all env.AggregateError
		if !errors.As(err, &all) {
			return s, err
		}
		for _, err := range all.Errors {
			faults = append(faults, inWords(err))
		}
	}
	switch {
	case s.Endpoint != nil && strings.HasSuffix(s.Endpoint.Hostname(), ".amazonaws.com"):
		faults = append(faults, s.forAWS())
	case s.Endpoint != nil:
		// One pair for all: an engine may keep the tables of each access key apart.
		s.credentials = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}
	}
	faults = append(faults, s.differ()...)
	return s, errors.Join(faults...)
}

// differ says which two ports are the same one, a sentence for each pair. A port that
// could not be read is 0.
func (s settings) differ() (faults []error) {
	type named struct {
		port port
		name string
	}
	all := []named{{s.Port, "PORT"}, {s.SecretsPort, "SECRETS_PORT"}, {s.KMSPort, "KMS_PORT"},
		{s.DocsPort, "DOCS_PORT"}}
	if s.Endpoint == nil {
		all = append(all, named{s.DynamoDBPort, "DYNAMODB_PORT"})
	}
	for i, one := range all {
		for _, other := range all[i+1:] {
			if one.port != 0 && one.port == other.port {
				faults = append(faults, fmt.Errorf("%s and %s must differ", one.name, other.name))
			}
		}
	}
	return faults
}

// inWords puts the variable's name before what its type has against the value.
func inWords(err error) error {
	parse, ok := errors.AsType[env.ParseError](err)
	if !ok {
		return err
	}
	field, _ := reflect.TypeFor[settings]().FieldByName(parse.Name)
	return fmt.Errorf("%s %w", field.Tag.Get("env"), parse.Err)
}

// forAWS takes the caller's credentials: only the real DynamoDB looks at them.
func (s *settings) forAWS() error {
	s.aws, s.region = true, s.AWSRegion
	s.credentials = aws.Credentials{
		AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken,
	}
	if s.region == "" || s.AccessKeyID == "" || s.SecretAccessKey == "" {
		return errors.New("DYNAMODB_ENDPOINT is AWS's: set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too")
	}
	return nil
}

// checkPorts finds out early which ports and which host cannot be had, a sentence for
// each.
func (s settings) checkPorts() error {
	faults := []error{checkPort(s.Port, "PORT"), checkPort(s.SecretsPort, "SECRETS_PORT"),
		checkPort(s.KMSPort, "KMS_PORT"), s.SecretsHost.check()}
	if s.Endpoint == nil {
		faults = append(faults, checkPort(s.DynamoDBPort, "DYNAMODB_PORT"))
	}
	return errors.Join(faults...)
}

// checkPort says so when the port is taken; variable is what to set then.
func checkPort(p port, variable string) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(p))))
	if err != nil {
		return fmt.Errorf("port %d is taken: end what listens there or set %s to another port", p, variable)
	}
	return l.Close()
}

// keysDir is where the key of the log is kept: beside the tables in DATA_DIR, else in the
// folder cache. There a second stack on the same DynamoDB finds it, and the next one on a
// DynamoDB that outlives this stack: with another key the log could not be continued.
func (s settings) keysDir(cache string) string { return cmp.Or(s.DataDir, cache) }

// colours tells whether a terminal may be given them: NO_COLOR and a dumb terminal want
// none.
func (s settings) colours() bool { return s.NoColor == "" && !strings.EqualFold(s.Term, "dumb") }

// port is one that others listen on, so never 0.
type port uint16

// logFormat is what goes to the terminal in place of short lines.
type logFormat string

// parameters of the template, by name. Whether the template has them is its own to say.
type parameters map[string]string

// parsers read the kinds of values in settings. An error is the end of a sentence that
// begins with the variable's name.
var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[port](): func(text string) (any, error) {
		n, err := strconv.ParseUint(text, 10, 16)
		return port(n), must(err == nil && n > 0, "be a port from 1 to 65535", text)
	},
	reflect.TypeFor[time.Duration](): func(text string) (any, error) {
		d, err := time.ParseDuration(text)
		return d, must(err == nil && d > 0, "be a duration such as 2s", text)
	},
	reflect.TypeFor[bool](): func(text string) (any, error) {
		b, err := strconv.ParseBool(text)
		return b, must(err == nil, "be 1 or 0", text)
	},
	reflect.TypeFor[logFormat](): func(text string) (any, error) {
		return logFormat(text), must(text == "json", "be json or empty", text)
	},
	reflect.TypeFor[host](): func(text string) (any, error) {
		return host(text), must(isHost(text), "be an address of this machine other than 127.0.0.1 and 0.0.0.0", text)
	},
	reflect.TypeFor[url.URL](): func(text string) (any, error) {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, must(false, "be an address such as http://127.0.0.1:8000", text)
		}
		return *u, nil
	},
	reflect.TypeFor[parameters](): func(text string) (any, error) {
		all := parameters{}
		var faults []string
		for pair := range strings.FieldsSeq(text) {
			name, value, ok := strings.Cut(pair, "=")
			err := must(ok && name != "", "be pairs such as WriterLifetime=2s with blanks between them", pair)
			if err != nil {
				faults = append(faults, err.Error())
			} else if _, twice := all[name]; twice {
				faults = append(faults, fmt.Sprintf("must not name %s twice", name))
			}
			all[name] = value
		}
		if faults != nil {
			return nil, errors.New(strings.Join(faults, "; "))
		}
		return all, nil
	},
}

// must gives an error unless a value is as it must be.
func must(ok bool, be, text string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("must %s, not %q", be, text)
}
