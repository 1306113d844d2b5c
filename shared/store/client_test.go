package store_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"customercare/shared/store"
)

// TestConnectEndpoint: DynamoDB's own variable goes before the one for every service.
func TestConnectEndpoint(t *testing.T) {
	for name, value := range map[string]string{
		"METRICS_NAMESPACE": "x", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
	} {
		t.Setenv(name, value)
	}
	for _, c := range []struct{ every, own, want string }{
		{"", "", ""},
		{"http://127.0.0.1:1", "", "http://127.0.0.1:1"},
		{"", "http://127.0.0.1:2", "http://127.0.0.1:2"},
		{"http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:2"},
	} {
		t.Setenv("AWS_ENDPOINT_URL", c.every)
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", c.own)
		if got := aws.ToString(store.Connect().Options().BaseEndpoint); got != c.want {
			t.Errorf("AWS_ENDPOINT_URL=%s AWS_ENDPOINT_URL_DYNAMODB=%s: %q, want %q", c.every, c.own, got, c.want)
		}
	}
}
