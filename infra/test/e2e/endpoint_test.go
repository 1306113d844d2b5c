package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/local/engine"
	"customercare/infra/local/secrets"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// TestOneEndpointForEveryService starts a function whose services' own variables are
// empty: it asks AWS_ENDPOINT_URL for its secret, as AWS's SDKs do.
func TestOneEndpointForEveryService(t *testing.T) {
	t.Parallel()
	folder := operation.CleanCustomerData.Name
	server := secrets.Serve(listen(t), []secrets.Secret{{
		LogicalID: "DigestKeys", Name: "DigestKeys", Text: `{"1":"a-key-that-no-log-may-show-0123456789"}`,
		ARN: secrets.ARN(engine.Region, "123456789012", "DigestKeys"),
	}})
	t.Cleanup(server.Close)
	f, _ := running.Template.Function(folder)
	cmd := exec.CommandContext(t.Context(), filepath.Join(dynamotest.Root(), ".cache", "bin", folder, "bootstrap"))
	for name, value := range f.Environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "AWS_REGION="+engine.Region, "AWS_ACCESS_KEY_ID=AKIAX", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_ENDPOINT_URL="+server.URL, "AWS_ENDPOINT_URL_DYNAMODB=", "AWS_ENDPOINT_URL_SECRETS_MANAGER=",
		"DIGEST_KEY_ID=unknown")
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), `holds no key with the id \"unknown\"`) {
		t.Errorf("%v, %s", err, said)
	}
}
