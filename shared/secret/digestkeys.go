// Package secret reads what the stack keeps in Secrets Manager: the keys of the digests.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"customercare/shared/environment"
)

const (
	// minKeyLength is how many characters a key of digests has at least. RFC 2104 wants
	// no fewer than the hash has bytes.
	minKeyLength = 32
	// startTimeout is how long reading the secret may take in all at a start, retries
	// included. Lambda gives a start 10 s.
	startTimeout = 5 * time.Second
	// againTimeout is the same for reading it again, while a caller waits.
	againTimeout = time.Second
	// tryTimeout is how long one try may take, so that a connection that hangs leaves
	// time for others.
	tryTimeout = 1500 * time.Millisecond
)

// DigestKeys is the settings of the functions that make digests. The secret's text is a
// flat JSON object from key id to key, such as {"1":"...","2":"..."}. To rotate the keys
// is to add one to the secret, and to deploy with its id as DIGEST_KEY_ID.
type DigestKeys struct {
	Secret   string `env:"DIGEST_KEYS,required,notEmpty"`    // its ARN
	Current  string `env:"DIGEST_KEY_ID,required,notEmpty"`  // of the key for new digests
	Endpoint string `env:"AWS_ENDPOINT_URL_SECRETS_MANAGER"` // empty: as store.Settings.Endpoint
}

// Keys is what the secret holds: each key of digests by its id, the current one among
// them.
type Keys struct {
	Current string // the id of the key for new digests
	ByID    map[string][]byte
	// Again reads the secret once more, for keys that came since, while a caller waits.
	// It gives all keys of that moment, or an error when the current one is not among
	// them.
	Again func(context.Context) (map[string][]byte, error)
}

// Read reads the keys with one call. A function makes it at its start, before
// lambda.Start, where there is a whole core. An error says why there are no keys, or none
// that can be used; it quotes no key and nothing else of the secret's text.
func (k DigestKeys) Read(config aws.Config) (Keys, error) {
	client := k.client(config)
	all, err := k.read(context.Background(), client, startTimeout)
	return Keys{Current: k.Current, ByID: all, Again: k.again(client)}, err
}

// Reader gives what reads all keys of the moment, while a caller waits. It is for the
// function that needs keys for some of its calls only, and reads none at its start.
func (k DigestKeys) Reader(config aws.Config) func(context.Context) (map[string][]byte, error) {
	return k.again(k.client(config))
}

func (k DigestKeys) again(client *secretsmanager.Client) func(context.Context) (map[string][]byte, error) {
	return func(ctx context.Context) (map[string][]byte, error) { return k.read(ctx, client, againTimeout) }
}

// read reads the secret, and the keys in its text.
func (k DigestKeys) read(
	ctx context.Context, client *secretsmanager.Client, within time.Duration,
) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	text, err := k.text(ctx, client)
	if err != nil {
		return nil, err
	}
	return k.keys(text)
}

// client is Secrets Manager's, with bounded tries.
func (k DigestKeys) client(config aws.Config) *secretsmanager.Client {
	return secretsmanager.NewFromConfig(config, func(o *secretsmanager.Options) {
		tries := environment.HTTPClient(environment.Transport())
		tries.Timeout = tryTimeout
		o.HTTPClient = tries
		o.Retryer = environment.Retryer()
		if k.Endpoint != "" {
			o.BaseEndpoint = &k.Endpoint
		}
	})
}

// text is the secret's. Its errors are sentences for the log.
func (k DigestKeys) text(ctx context.Context, client *secretsmanager.Client) (string, error) {
	began := time.Now()
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &k.Secret})
	if err == nil {
		return aws.ToString(out.SecretString), nil
	}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return "", fmt.Errorf("the secret DIGEST_KEYS could not be read: %s: %s",
			answer.ErrorCode(), answer.ErrorMessage())
	}
	// What an SDK says otherwise may quote an answer that it could not read.
	if ctx.Err() != nil {
		return "", fmt.Errorf("the secret DIGEST_KEYS could not be read: "+
			"Secrets Manager gave no answer within %s", time.Since(began).Round(time.Second))
	}
	return "", errors.New("the secret DIGEST_KEYS could not be read: " +
		"Secrets Manager was not reached, or its answer cannot be read")
}

// keys reads the secret's text, in which the current key must be. Its errors never quote
// it.
func (k DigestKeys) keys(text string) (map[string][]byte, error) {
	keys, flat := flatStrings(text)
	current, there := keys[k.Current]
	switch {
	case !flat:
		return nil, errors.New("the secret DIGEST_KEYS is no flat JSON object of strings")
	case !there:
		return nil, fmt.Errorf("the secret DIGEST_KEYS holds no key with the id %q, "+
			"which DIGEST_KEY_ID names", k.Current)
	case utf8.RuneCount(current) < minKeyLength:
		return nil, fmt.Errorf("the key with the id %q in the secret DIGEST_KEYS "+
			"has less than %d characters", k.Current, minKeyLength)
	}
	return keys, nil
}

// flatStrings reads a JSON object whose names come once and whose values are strings; ok
// is false when text is anything else. It reads token by token: Unmarshal would take the
// last of two values, and a stricter library is half a megabyte that one of the two
// functions does not have otherwise.
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
