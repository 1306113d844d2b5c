// Package secret reads what the stack keeps in Secrets Manager: the keys of the digests.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"customercare/shared/environment"
	"customercare/shared/erasure"
)

const (
	// shortestKey is how many characters a key of digests has at least; RFC 2104 wants no fewer than the hash has bytes.
	shortestKey = 32
	// patience is how long reading the secret may take in all, retries included. Lambda gives a start 10 s.
	patience = 5 * time.Second
	// hurry is the same for reading it again, while a caller waits.
	hurry = time.Second
	// attempt is how long one try may take, so that a connection that hangs leaves time for others.
	attempt = 1500 * time.Millisecond
)

// DigestKeys is what the functions that make digests have in their environment. The secret's text is a flat JSON object
// from key id to key, such as {"1":"...","2":"..."}: adding one and deploying with its id as DIGEST_KEY_ID is a rotation.
type DigestKeys struct {
	Secret   string `env:"DIGEST_KEYS,required,notEmpty"`    // its ARN
	Current  string `env:"DIGEST_KEY_ID,required,notEmpty"`  // of the key that new digests are made with
	Endpoint string `env:"AWS_ENDPOINT_URL_SECRETS_MANAGER"` // empty: AWS_ENDPOINT_URL, else the service's own address
}

// Digester reads the keys: one call, at the function's start, before lambda.Start, where there is a full core. Keys that
// cannot be had, or not be used, end the process after one line in the log: Lambda then shows it as a failed start. No
// key, and nothing of the secret's text, is in that line. The digester may read the
// secret again, for keys that came since (erasure.MoreKeys).
func (k DigestKeys) Digester() erasure.Digester {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := k.client(environment.AWS())
	text, err := k.read(ctx, client)
	var digests erasure.Digester
	if err == nil {
		digests, err = k.digester(text)
	}
	if err != nil {
		slog.Error("there are no keys for digests", "cause", err.Error())
		os.Exit(1)
	}
	digests.More = k.more(client)
	return digests
}

// more reads the secret again, which must hold the current key still.
func (k DigestKeys) more(client *secretsmanager.Client) *erasure.MoreKeys {
	return &erasure.MoreKeys{Now: time.Now, Read: func(ctx context.Context) (map[string][]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, hurry)
		defer cancel()
		text, err := k.read(ctx, client)
		if err != nil {
			return nil, err
		}
		fresh, err := k.digester(text)
		return fresh.Keys, err
	}}
}

// client is the service's, with bounded attempts.
func (k DigestKeys) client(config aws.Config) *secretsmanager.Client {
	return secretsmanager.NewFromConfig(config, func(o *secretsmanager.Options) {
		connections := environment.HTTPClient()
		connections.Timeout = attempt
		o.HTTPClient = connections
		o.Retryer = environment.Retryer()
		if k.Endpoint != "" {
			o.BaseEndpoint = &k.Endpoint
		}
	})
}

func (k DigestKeys) read(ctx context.Context, client *secretsmanager.Client) (text string, err error) {
	began := time.Now()
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &k.Secret})
	if err == nil {
		return aws.ToString(out.SecretString), nil
	}
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return "", fmt.Errorf("the secret DIGEST_KEYS could not be read: %s: %s", refusal.ErrorCode(), refusal.ErrorMessage())
	}
	// What an SDK says otherwise may quote an answer that it could not read.
	if ctx.Err() != nil {
		return "", fmt.Errorf("the secret DIGEST_KEYS could not be read: Secrets Manager gave no answer within %s", time.Since(began).Round(time.Second))
	}
	return "", errors.New("the secret DIGEST_KEYS could not be read: Secrets Manager was not reached, or its answer cannot be read")
}

// digester makes the digester of the secret's text. Its errors never quote it.
func (k DigestKeys) digester(text string) (erasure.Digester, error) {
	keys, flat := flatStrings(text)
	current, there := keys[k.Current]
	switch {
	case !flat:
		return erasure.Digester{}, errors.New("the secret DIGEST_KEYS is no flat JSON object of strings")
	case !there:
		return erasure.Digester{}, fmt.Errorf("the secret DIGEST_KEYS holds no key with the id %q, which DIGEST_KEY_ID names", k.Current)
	case utf8.RuneCount(current) < shortestKey:
		return erasure.Digester{}, fmt.Errorf("the key with the id %q in the secret DIGEST_KEYS has less than %d characters", k.Current, shortestKey)
	}
	return erasure.Digester{Current: k.Current, Keys: keys}, nil
}

// flatStrings reads a JSON object whose names come once and whose values are strings; false when text is anything else. It
// reads token by token: Unmarshal would take the last of two values, and a stricter library is half a megabyte that
// one of the two functions does not have otherwise.
func flatStrings(text string) (values map[string][]byte, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	token, err := d.Token()
	if err != nil || token != json.Delim('{') {
		return nil, false
	}
	values = map[string][]byte{}
	for d.More() {
		token, _ := d.Token()
		name, isName := token.(string)
		token, _ = d.Token()
		value, isText := token.(string)
		if values[name] != nil || !isName || !isText {
			return nil, false
		}
		values[name] = []byte(value)
	}
	token, err = d.Token()
	_, end := d.Token()
	return values, err == nil && token == json.Delim('}') && end == io.EOF
}
