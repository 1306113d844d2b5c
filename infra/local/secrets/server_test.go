package secrets

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
)

var keys = Secret{LogicalID: "Keys", Name: "keys", ARN: ARN("us-east-1", "123456789012", "keys"),
	Text: `{"1":"<the&text>"}`}

func serve(t *testing.T) (*Server, *secretsmanager.Client) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(listener, []Secret{keys})
	t.Cleanup(s.Close)
	return s, secretsmanager.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &s.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "x"}, nil
		}),
	})
}

// What the SDK's client makes of the answers is what it makes of Secrets Manager's.
func TestTheSDKReadsASecret(t *testing.T) {
	s, client := serve(t)
	var version string
	for _, id := range []string{keys.ARN, keys.Name, strings.TrimSuffix(keys.ARN, keys.ARN[len(keys.ARN)-7:])} {
		out, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if *out.SecretString != keys.Text || *out.ARN != keys.ARN || *out.Name != keys.Name ||
			len(*out.VersionId) != 36 ||
			!slices.Equal(out.VersionStages, []string{"AWSCURRENT"}) || out.CreatedDate.IsZero() {
			t.Errorf("%s: %s", id, repr.String(out))
		}
		version = *out.VersionId
	}
	_, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{
		SecretId: &keys.Name, VersionId: &version, VersionStage: aws.String("AWSCURRENT")})
	if err != nil {
		t.Error(err)
	}
	want := slices.Repeat([]Request{{"AKIATEST", "GetSecretValue", keys.ARN}}, 4)
	if got := s.Calls(); !slices.Equal(got, want) {
		t.Errorf("calls %+v", got)
	}
}

// The text before the last is kept, as the version AWSPREVIOUS.
func TestTheSDKPutsASecret(t *testing.T) {
	s, client := serve(t)
	const text = `{"1":"<the&text>","2":"another"}`
	put, err := client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &keys.ARN,
		SecretString: aws.String(text)})
	if err != nil || *put.ARN != keys.ARN || !slices.Equal(put.VersionStages, []string{"AWSCURRENT"}) {
		t.Fatalf("%s, %v", repr.String(put), err)
	}
	for stage, want := range map[string]string{"AWSCURRENT": text, "AWSPREVIOUS": keys.Text} {
		out, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &keys.Name,
			VersionStage: &stage})
		if err != nil || *out.SecretString != want || !slices.Equal(out.VersionStages, []string{stage}) ||
			(*out.VersionId == *put.VersionId) != (stage == "AWSCURRENT") {
			t.Errorf("%s: %s, %v", stage, repr.String(out), err)
		}
	}
	if secret, ok := s.Secret("Keys"); !ok || secret.Text != text {
		t.Errorf("%+v", secret)
	}
}

// A text that is put beside the current one takes its place once, and only while the one
// is current that the caller has read.
func TestTheSDKMovesTheStage(t *testing.T) {
	s, client := serve(t)
	before, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &keys.ARN})
	if err != nil {
		t.Fatal(err)
	}
	put, err := client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
		SecretId: &keys.ARN, SecretString: aws.String("after"), VersionStages: []string{"NEXT"},
	})
	if secret, _ := s.Secret("Keys"); err != nil || secret.Text != keys.Text ||
		!slices.Equal(put.VersionStages, []string{"NEXT"}) {
		t.Fatalf("%s, %v; current is %s", repr.String(put), err, secret.Text)
	}
	move := &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &keys.ARN, VersionStage: aws.String("AWSCURRENT"),
		MoveToVersionId: put.VersionId, RemoveFromVersionId: before.VersionId,
	}
	if _, err := client.UpdateSecretVersionStage(t.Context(), move); err != nil {
		t.Error(err)
	}
	_, err = client.UpdateSecretVersionStage(t.Context(), move)
	if _, moved := errors.AsType[*types.InvalidParameterException](err); !moved {
		t.Errorf("twice: %v", err)
	}
	if secret, _ := s.Secret("Keys"); secret.Text != "after" {
		t.Errorf("current is %s", secret.Text)
	}
}

func TestTheSDKReadsRefusals(t *testing.T) {
	s, client := serve(t)
	for _, in := range []secretsmanager.GetSecretValueInput{
		{SecretId: aws.String("nobody")},
		{SecretId: aws.String(keys.ARN + "x")},
		{SecretId: &keys.Name, VersionStage: aws.String("AWSPREVIOUS")},
		{SecretId: &keys.Name, VersionId: aws.String(strings.Repeat("0", 36))},
	} {
		_, err := client.GetSecretValue(t.Context(), &in)
		if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok ||
			!strings.HasPrefix(missing.ErrorMessage(), "Secrets Manager can't find") {
			t.Errorf("%s: %v", repr.String(in), err)
		}
	}
	_, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("")})
	if _, ok := errors.AsType[*types.InvalidParameterException](err); !ok {
		t.Errorf("no SecretId: %v", err)
	}
	_, err = client.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
	if other, ok := errors.AsType[smithy.APIError](err); !ok || other.ErrorCode() != "UnknownOperationException" {
		t.Errorf("another action: %v", err)
	}
	calls := s.Calls()
	if len(calls) != 6 || calls[0] != (Request{"AKIATEST", "GetSecretValue", "nobody"}) ||
		calls[5].Action != "ListSecrets" {
		t.Errorf("calls %+v", calls)
	}
}

func TestWhatIsNoCall(t *testing.T) {
	s, _ := serve(t)
	signed := "AWS4-HMAC-SHA256 Credential=AKIATEST/20260102/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"
	for _, c := range []struct{ method, target, authorization, body, want string }{
		{"POST", "secretsmanager.GetSecretValue", "", `{"SecretId":"keys"}`,
			`{"__type":"MissingAuthenticationTokenException","Message":"Missing Authentication Token"}`},
		{"POST", "secretsmanager.GetSecretValue", "Basic eA==", `{"SecretId":"keys"}`,
			`{"__type":"MissingAuthenticationTokenException","Message":"Missing Authentication Token"}`},
		{"POST", "secretsmanager.GetSecretValue", signed, `{"SecretId":`, `{"__type":"SerializationException"}`},
		{"POST", "DynamoDB_20120810.GetItem", signed, `{}`, `{"__type":"UnknownOperationException"}`},
		{"GET", "secretsmanager.GetSecretValue", signed, "", `{"__type":"UnknownOperationException"}`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", c.target)
		r.Header.Set("Authorization", c.authorization)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 400 || strings.TrimSpace(string(body)) != c.want ||
			answer.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
			t.Errorf("%+v: %d %s", c, answer.StatusCode, body)
		}
	}
	if calls := s.Calls(); len(calls) != 0 {
		t.Errorf("calls %+v", calls)
	}
}
