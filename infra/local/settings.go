package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// settings of one run, from the environment.
type settings struct {
	port, secretsPort, dynamoDBPort int
	endpoint                        string // of a DynamoDB that runs already, or empty
	dataDir                         string // empty: tables live in memory
	tablePrefix                     string // in front of the tables' names; only tests have one
	scheduleEvery                   time.Duration
	aws                             bool // endpoint is AWS's
	region                          string
	credentials                     aws.Credentials // zero: made-up pairs, which our DynamoDB Local takes
}

// readSettings reports everything that is wrong at once.
func readSettings(env func(string) string) (settings, error) {
	s := settings{endpoint: env("DYNAMODB_ENDPOINT"), dataDir: env("DATA_DIR")}
	var errs []error
	port := func(name string, otherwise int) int {
		text := env(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 65535 {
			errs = append(errs, fmt.Errorf("%s must be a port from 1 to 65535, not %q", name, text))
		}
		return n
	}
	s.port, s.secretsPort, s.dynamoDBPort = port("PORT", 3000), port("SECRETS_PORT", 3001), port("DYNAMODB_PORT", 8000)
	if text := env("SCHEDULE_EVERY"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			errs = append(errs, fmt.Errorf("SCHEDULE_EVERY must be a duration such as 2s, not %q", text))
		}
		s.scheduleEvery = d
	}
	if s.endpoint != "" {
		u, err := url.Parse(s.endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("DYNAMODB_ENDPOINT must be an address such as http://127.0.0.1:8000, not %q", s.endpoint))
		} else if strings.HasSuffix(u.Hostname(), ".amazonaws.com") {
			errs = append(errs, s.forAWS(env))
		} else {
			// One pair for all: a DynamoDB Local without -sharedDb keeps the tables of each access key apart.
			s.credentials = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}
		}
	} else if s.port == s.dynamoDBPort || s.secretsPort == s.dynamoDBPort {
		errs = append(errs, errors.New("DYNAMODB_PORT must differ from PORT and SECRETS_PORT"))
	}
	if s.port == s.secretsPort {
		errs = append(errs, errors.New("PORT and SECRETS_PORT must differ"))
	}
	return s, errors.Join(errs...)
}

// forAWS takes the caller's credentials: only the real DynamoDB looks at them.
func (s *settings) forAWS(env func(string) string) error {
	s.aws, s.region = true, env("AWS_REGION")
	s.credentials = aws.Credentials{
		AccessKeyID: env("AWS_ACCESS_KEY_ID"), SecretAccessKey: env("AWS_SECRET_ACCESS_KEY"), SessionToken: env("AWS_SESSION_TOKEN"),
	}
	if s.region == "" || s.credentials.AccessKeyID == "" || s.credentials.SecretAccessKey == "" {
		return errors.New("DYNAMODB_ENDPOINT is AWS's: set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too")
	}
	return nil
}

// checkPort finds out early whether the port can be had; variable is what to set when not.
func checkPort(address, variable string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		_, port, _ := net.SplitHostPort(address)
		return fmt.Errorf("port %s is taken: end what listens there or set %s to another port", port, variable)
	}
	return l.Close()
}
