package secret

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"customercare/infra/local/secrets"
)

// What the secret holds later is read from it as at the start, with the same rules.
func TestTheSecretIsReadAgain(t *testing.T) {
	t.Parallel()
	const old, fresh = "first-key-first-key-first-key-01", "second-key-second-key-second-k-2"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := secrets.Serve(
		listener,
		[]secrets.Secret{
			{
				LogicalID: "K",
				Name:      "K",
				ARN:       secrets.ARN("us-east-1", "123456789012", "K"),
				Text:      `{"1":"` + old + `"}`,
			},
		},
	)
	defer server.Close()
	keys := DigestKeys{Secret: "K", Current: "1", Endpoint: server.URL}
	again := keys.again(
		keys.client(
			aws.Config{
				Region: "us-east-1",
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIAX", SecretAccessKey: "x"}, nil
				}),
			},
		),
	)
	for _, c := range []struct{ text, ids, want string }{
		{`{"1":"` + old + `"}`, "1", ""},
		{`{"1":"` + old + `","2":"` + fresh + `"}`, "1 2", ""},
		{`{"2":"` + fresh + `"}`, "", `holds no key with the id "1"`},
		{"not for the log", "", "no flat JSON object"},
	} {
		server.Put("K", c.text)
		all, err := again(t.Context())
		if ids := strings.Join(slices.Sorted(maps.Keys(all)), " "); ids != c.ids || (err == nil) != (c.want == "") ||
			err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "for the log")) {
			t.Errorf("%s: keys %s, %v", c.text, ids, err)
		}
	}
	server.Close()
	if all, err := again(t.Context()); err == nil || len(all) > 0 {
		t.Errorf("nobody is there: %v, %v", all, err)
	}
}
