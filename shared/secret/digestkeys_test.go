package secret

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// hesitant is a service that does not answer a first call, is busy at a second, and
// answers from then on.
type hesitant struct{ calls int }

func (h *hesitant) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r}
	switch h.calls++; h.calls {
	case 1:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case 2:
		answer.StatusCode, answer.Body = http.StatusServiceUnavailable, http.NoBody
	default:
		answer.Body = io.NopCloser(strings.NewReader(`{"SecretString":"the text"}`))
	}
	return answer, nil
}

// One connection that hangs does not use up the time of a start, and neither does a
// service that is busy. No time passes but what the client itself waits.
func TestASecretIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := DigestKeys{Secret: "arn", Endpoint: "http://127.0.0.1:1"}
		client := keys.client(
			aws.Config{
				Region: "us-east-1",
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIAX", SecretAccessKey: "x"}, nil
				}),
			},
		)
		service := &hesitant{}
		client.Options().HTTPClient.(*http.Client).Transport = service
		ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
		defer cancel()
		began := time.Now()
		text, err := keys.text(ctx, client)
		if waited := time.Since(began); err != nil || text != "the text" || service.calls != 3 || waited < tryTimeout ||
			waited > startTimeout/2 {
			t.Errorf("%q, %v after %d calls and %s", text, err, service.calls, waited)
		}
	})
}

func TestKeysOfASecret(t *testing.T) {
	const old, fresh = "first-key-first-key-first-key-01", "second-key-second-key-second-k-2"
	for _, c := range []struct{ name, text, current, want string }{
		{"one key", `{"1":"` + old + `"}`, "1", ""},
		{"another key beside it", `{"1":"` + old + `","2":"` + fresh + `"}`, "2", ""},
		{"as a person writes it", " {\n \"b\" : \"" + fresh + "\" ,\t\"a\":\"\"}\n", "b", ""},
		{"32 characters of more bytes", `{"1":"` + strings.Repeat("ä", 32) + `"}`, "1", ""},
		{"no such key", `{"1":"` + old + `"}`, "2", `holds no key with the id "2"`},
		{"no keys", `{}`, "1", `holds no key with the id "1"`},
		{"31 characters", `{"1":"` + old[1:] + `"}`, "1", `the key with the id "1" in the secret DIGEST_KEYS has less than 32 characters`},
		{"31 characters of more bytes", `{"1":"` + strings.Repeat("ä", 31) + `"}`, "1", "has less than 32 characters"},
		{"empty", "", "1", "no flat JSON object"},
		{"the bare key", old, "1", "no flat JSON object"},
		{"a string", `"` + old + `"`, "1", "no flat JSON object"},
		{"null", "null", "1", "no flat JSON object"},
		{"a list", `["1","` + old + `"]`, "1", "no flat JSON object"},
		{"a number", `{"1":"` + old + `","2":7}`, "1", "no flat JSON object"},
		{"a key that is null", `{"1":"` + old + `","2":null}`, "1", "no flat JSON object"},
		{"deeper", `{"1":{"key":"` + old + `"}}`, "1", "no flat JSON object"},
		{"deeper in a list", `{"1":["` + old + `"]}`, "1", "no flat JSON object"},
		{"an id twice", `{"1":"` + old + `","1":"` + fresh + `"}`, "1", "no flat JSON object"},
		{"an id twice, empty", `{"1":"","1":"` + fresh + `"}`, "1", "no flat JSON object"},
		{"not closed", `{"1":"` + old + `"`, "1", "no flat JSON object"},
		{"an open string", `{"1":"` + old, "1", "no flat JSON object"},
		{"no comma", `{"1":"` + old + `" "2":"` + fresh + `"}`, "1", "no flat JSON object"},
		{"a comma too many", `{"1":"` + old + `",}`, "1", "no flat JSON object"},
		{"more behind it", `{"1":"` + old + `"} x`, "1", "no flat JSON object"},
		{"another behind it", `{"1":"` + old + `"}{}`, "1", "no flat JSON object"},
	} {
		keys, err := DigestKeys{Current: c.current}.keys(c.text)
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "-key-") {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case utf8.RuneCount(keys[c.current]) < 32:
			t.Errorf("%s: the current key is %q", c.name, keys[c.current])
		}
	}
}
