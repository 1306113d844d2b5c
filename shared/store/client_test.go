package store_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"customercare/shared/environment"
	"customercare/shared/store"
)

// TestConnectEndpoint: DynamoDB's own variable goes before the one for every service.
func TestConnectEndpoint(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "x")
	}
	for _, c := range []struct{ every, own, want string }{
		{"", "", ""},
		{"http://127.0.0.1:1", "", "http://127.0.0.1:1"},
		{"", "http://127.0.0.1:2", "http://127.0.0.1:2"},
		{"http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:2"},
	} {
		t.Setenv("AWS_ENDPOINT_URL", c.every)
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", c.own)
		var settings store.Settings
		if err := environment.Read(&settings); err != nil {
			t.Fatal(err)
		}
		if got := aws.ToString(store.ClientForTest(settings).Options().BaseEndpoint); got != c.want {
			t.Errorf("AWS_ENDPOINT_URL=%s AWS_ENDPOINT_URL_DYNAMODB=%s: %q, want %q", c.every, c.own, got, c.want)
		}
	}
}
