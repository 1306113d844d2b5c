package warm

import (
	"io"
	"os"
	"testing"

	"customercare/infra/bench/program"
	"customercare/infra/bench/setup"
	"customercare/infra/testkit/dynamotest"
)

// A floor that makes other calls than the function is none. After one call of each side everything is as it should be.
func TestFloorMakesTheSameCalls(t *testing.T) {
	s := setup.In(dynamotest.Root())
	s.Endpoint, s.Log = os.Getenv("DYNAMODB_ENDPOINT"), io.Discard
	if s.Endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	if err := setup.Build(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	stage, err := program.Open(t.Context(), s, "warm-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer stage.Close()
	if err := load(t.Context(), stage, s.Root, 1); err != nil {
		t.Fatal(err)
	}
	if done(t.Context(), stage, 1) == nil {
		t.Error("all is done before anything was called")
	}
	all, err := operations(t.Context(), s, stage)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if err := o.sameCalls(t.Context(), s, stage); err != nil {
			t.Errorf("%s: %v", o.function, err)
		}
	}
	if err := done(t.Context(), stage, 1); err != nil {
		t.Error(err)
	}
}

// What is no right answer is told.
func TestWrongAnswers(t *testing.T) {
	right := proxied(`"status":true`)
	if err := right(0, `{"statusCode":200,"body":"{\"status\":true}"}`); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		`{"statusCode":200,"body":"{\"status\":false}"}`, `{"statusCode":503,"body":"{\"status\":true}"}`, `null`, ``,
		`{"statusCode":200,"body":"{\"status\":true}","isBase64Encoded":true}`,
	} {
		if right(0, text) == nil {
			t.Errorf("%s is taken for a right answer", text)
		}
	}
	policy := allowed("csr")
	if err := policy(0, `{"principalId":"csr","policyDocument":{"Statement":[{"Effect":"Allow"}]}}`); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		`{"principalId":"csr","policyDocument":{"Statement":[{"Effect":"Deny"}]}}`, `{"principalId":"csr","policyDocument":{}}`, `null`, ``,
		`{"principalId":"refused","policyDocument":{"Statement":[{"Effect":"Allow"}]}}`,
	} {
		if policy(0, text) == nil {
			t.Errorf("%s is taken for an Allow", text)
		}
	}
}

func TestAlike(t *testing.T) {
	a := call{"Query", 800}
	if !alike(a, call{"Query", 850}) || alike(a, call{"Query", 1000}) || alike(call{"Query", 1000}, a) || alike(a, call{"GetItem", 800}) {
		t.Error("calls are compared wrongly")
	}
}
