package deployment

import (
	"net"
	"strings"
	"testing"

	"customercare/infra/local/secrets"
	"customercare/infra/testkit/cloudformationtest"
)

// A secret that somebody else has changed since it was read stays as it is.
func TestASecretThatSomebodyElseChanged(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arn := secrets.ARN("eu-west-1", "123456789012", "keys")
	server := secrets.Serve(listener, []secrets.Secret{{LogicalID: "DigestKeys", Name: "keys", ARN: arn, Text: "one"}})
	defer server.Close()
	stack := deployed()
	stack.Outputs["DigestKeysSecret"] = arn
	cloudformationtest.Serve(t, stack)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	d, err := Find(t.Context(), Chosen{Stack: "customercare"})
	if err != nil {
		t.Fatal(err)
	}
	text, version, err := d.Keys.Read(t.Context())
	if err != nil || text != "one" {
		t.Fatalf("%q, %v", text, err)
	}
	if err := d.Keys.Replace(t.Context(), version, "two"); err != nil {
		t.Error(err)
	}
	if err := d.Keys.Replace(t.Context(), version, "three"); err == nil ||
		!strings.Contains(err.Error(), "somebody else changed the secret") {
		t.Errorf("%v", err)
	}
	if text, _, err := d.Keys.Read(t.Context()); err != nil || text != "two" {
		t.Errorf("%q, %v", text, err)
	}
}
