package stack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/kms"
	"customercare/infra/testkit/freeport"
	"customercare/infra/testkit/metrictest"
)

// transcript is a log that can be waited on.
type transcript struct{ metrictest.Log }

func (l *transcript) await(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if re.MatchString(l.String()) {
			return
		}
	}
	t.Fatalf("%s is not in the log:\n%s", pattern, l)
}

// fresh fills opts for testdata/template.yaml with one binary for all its functions, and
// tables of its own.
func fresh(t *testing.T, opts Options) Options {
	t.Helper()
	opts.Endpoint = os.Getenv("DYNAMODB_ENDPOINT")
	if opts.Endpoint == "" {
		t.Skip("DYNAMODB_ENDPOINT is not set: go run ./infra/cmd/withengine go test ./infra/local/stack")
	}
	opts.Template = "testdata/template.yaml"
	opts.BinDir = binaries(t, "echo", "guard", "worker", "tick")
	opts.TablePrefix = fmt.Sprintf("stack-%d-%d-", os.Getpid(), time.Now().UnixNano())
	opts.Parameters = map[string]string{"Greeting": "hello"}
	opts.ScheduleEvery = cmp.Or(opts.ScheduleEvery, -1)
	return opts
}

// start runs testdata/template.yaml.
func start(t *testing.T, opts Options) (*Stack, *transcript, *dynamodb.Client) {
	t.Helper()
	opts = fresh(t, opts)
	log := &transcript{}
	opts.Log = log
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	opts.fill()
	return s, log, dynamodb.NewFromConfig(opts.config(http.DefaultTransport.(*http.Transport)))
}

// binaries gives each folder the test's own binary for its function.
func binaries(t *testing.T, folders ...string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, folder), 0o755),
			os.Symlink(self, filepath.Join(dir, folder, "bootstrap"))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func get(t *testing.T, url string, header ...string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return resp.StatusCode, m
}

func TestAPIRunsFunctionsAndAuthorizers(t *testing.T) {
	s, log, _ := start(t, Options{})

	status, event := get(t, s.URL+"/open/a%2Fb%25?x=1")
	if params := event["pathParameters"]; status != 200 || fmt.Sprint(params) != "map[id:a%2Fb%25]" {
		t.Errorf("open route: %d, pathParameters %v", status, params)
	}
	if status, _ := get(t, s.URL+"/guarded/1"); status != 401 {
		t.Errorf("without Authorization: %d, want 401", status)
	}
	if status, _ := get(t, s.URL+"/guarded/1", "Authorization", "wrong"); status != 401 {
		t.Errorf("with a wrong Authorization: %d, want 401", status)
	}
	for _, id := range []string{"1", "2"} {
		status, event := get(t, s.URL+"/guarded/"+id, "Authorization", "allow")
		requestContext, _ := event["requestContext"].(map[string]any)
		authorizer, _ := requestContext["authorizer"].(map[string]any)
		if status != 200 || authorizer["principalId"] != "me" || authorizer["tenant"] != "demo" {
			t.Errorf("with the right Authorization: %d %v", status, authorizer)
		}
	}
	if n := strings.Count(log.String(), "guard: asked about arn:aws:execute-api:us-east-1:123456789012:local/v1/GET/guarded/"); n != 2 {
		t.Errorf("the authorizer was asked %d times, want 2 (wrong and right; the second right one is cached)\n%s",
			n, log)
	}
}

// Whoever wants to know of answers is told of them with the function's folder, and nobody
// is told of what does not run.
func TestAccessNamesFolders(t *testing.T) {
	var heard []apigateway.Access
	s, log, _ := start(t, Options{Access: func(a apigateway.Access) { heard = append(heard, a) }})
	get(t, s.URL+"/open/1")
	get(t, s.URL+"/guarded/1", "Authorization", "wrong")
	get(t, s.URL+"/nowhere")
	var got []string
	for _, a := range heard {
		got = append(got, fmt.Sprintf("%s %s %d %s%s", a.Method, a.Route, a.Status, a.Function, a.Line))
	}
	want := []string{"GET /open/{id} 200 echo", "GET /guarded/{id} 401 guard", "GET - 403 "}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if strings.Contains(log.String(), "locally") {
		t.Errorf("the log: %s", log)
	}
}

func TestFunctionsGetTheirVariables(t *testing.T) {
	s, _, _ := start(t, Options{FunctionEndpoint: "http://127.0.0.1:1"})
	answer, err := s.Invoke(t.Context(), "echo", []byte(`{"do":"env"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"EVERYWHERE=yes", "GREETING=hello from v1", "THINGS_TABLE=" + s.Table("Things"),
		"AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + s.Secrets().URL, "AWS_ENDPOINT_URL_KMS=" + s.KMS().URL,
		"KEYS=arn:aws:secretsmanager:us-east-1:123456789012:secret:Keys-f0d66a",
		"SIGNER=" + kms.ARN("us-east-1", "123456789012", "Signer"),
		"AWS_ACCESS_KEY_ID=AKIAECHO",
	} {
		if !strings.Contains(string(answer), `"`+want+`"`) {
			t.Errorf("%s is missing in %s", want, answer)
		}
	}
	if strings.Contains(string(answer), "DYNAMODB_ENDPOINT=") || strings.Contains(string(answer), "HOME=") {
		t.Errorf("something of our own environment got in: %s", answer)
	}
	if _, err := s.Invoke(t.Context(), "nobody", nil); err == nil {
		t.Error("a function that is not there was invoked")
	}
}

func TestStreamReachesTheFunction(t *testing.T) {
	s, log, client := start(t, Options{})
	for _, id := range []string{"bad-1", "good-1", "flaky-1", "good-2"} {
		put(t, client, s.Table("Things"), id, "1")
	}
	put(t, client, s.Table("Things"), "good-1", "2") // a MODIFY, which the filter does not take
	for _, want := range []string{`(?m)^worker: record INSERT good-1$`, `record INSERT good-2`,
		`failing flaky-1(?s:.*)record INSERT flaky-1`} {
		log.await(t, want)
	}
	// Behind all of them, in each of the lanes that records of different items are
	// delivered by.
	const last = 16
	for i := range last {
		put(t, client, s.Table("Things"), fmt.Sprint("good-last-", i), "1")
	}
	for i := range last {
		log.await(t, fmt.Sprintf(`(?m)record INSERT good-last-%d$`, i))
	}
	if said := log.String(); strings.Contains(said, "bad-1") || strings.Contains(said, "MODIFY") ||
		strings.Count(said, "INSERT good-1\n") != 1 {
		t.Errorf("the filter let something through:\n%s", said)
	}
}

func put(t *testing.T, client *dynamodb.Client, table, id, version string) {
	t.Helper()
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table),
		Item: map[string]types.AttributeValue{
			"id": &types.AttributeValueMemberS{Value: id}, "version": &types.AttributeValueMemberN{Value: version},
		}})
	if err != nil {
		t.Fatal(err)
	}
}

// Keys of KMS stay the same where they are kept, and a damaged one is said at once.
func TestKeysAreServed(t *testing.T) {
	folder := t.TempDir()
	public := func() []byte {
		s, _, _ := start(t, Options{KeysDir: folder})
		described, err := awskms.NewFromConfig(s.options.config(s.transport), func(o *awskms.Options) {
			o.BaseEndpoint = aws.String(s.KMS().URL)
		}).GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{
			KeyId: aws.String(kms.ARN("us-east-1", "123456789012", "Signer")),
		})
		if err != nil {
			t.Fatal(err)
		}
		return described.PublicKey
	}
	if first, second := public(), public(); !bytes.Equal(first, second) {
		t.Error("another key after a restart")
	}
	if err := os.WriteFile(filepath.Join(folder, "Signer.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), fresh(t, Options{KeysDir: folder})); err == nil ||
		!strings.Contains(err.Error(), "Signer.pem holds no Ed25519 key") {
		t.Errorf("a damaged key: %v", err)
	}
}

// A secret's text is the template's, generated at each start, or the one that was given.
func TestSecretsAreServed(t *testing.T) {
	s, _, _ := start(t, Options{})
	generated, ok := s.Secrets().Secret("Keys")
	if !ok || !regexp.MustCompile(`^\{"password":"[A-Za-z0-9]{40}"\}$`).MatchString(generated.Text) {
		t.Errorf("generated: %+v", generated)
	}
	s, _, _ = start(t, Options{Secrets: map[string]string{"Keys": "given"}})
	if given, _ := s.Secrets().Secret("Keys"); given.Text != "given" || given.ARN != generated.ARN {
		t.Errorf("given: %+v", given)
	}
	opts := fresh(t, Options{Secrets: map[string]string{"Nobody": "x"}})
	if _, err := Prepare(t.Context(), opts); err == nil ||
		!strings.Contains(err.Error(), `no secret "Nobody"`) {
		t.Errorf("a secret that is not there: %v", err)
	}
}

// A prepared stack has its tables, and nobody who takes a request before them.
func TestNothingListensBeforeServe(t *testing.T) {
	opts := fresh(t, Options{})
	port := freeport.Take(t, 1)[0]
	address := "127.0.0.1:" + port
	opts.Port, _ = strconv.Atoi(port)
	s, err := Prepare(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	put(t, s.DynamoDB(), s.Table("Things"), "loaded-1", "1")
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("it listens before Serve")
	}
	if err := s.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, s.URL+"/open/1"); status != 200 || s.URL != "http://"+address {
		t.Errorf("%s answers %d", s.URL, status)
	}
	opts = fresh(t, Options{})
	opts.Port, _ = strconv.Atoi(port)
	if second, err := Start(t.Context(), opts); err == nil {
		second.Close()
		t.Error("a second one took its port")
	} else if !strings.Contains(err.Error(), "API: ") {
		t.Errorf("a second one on its port: %v", err)
	}
}

func TestSecondStartKeepsTables(t *testing.T) {
	s, _, client := start(t, Options{})
	put(t, client, s.Table("Things"), "kept", "1")
	if err := createTables(t.Context(), client, s.Template.Tables); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(s.Table("Things")),
		Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "kept"}}})
	if err != nil || out.Item == nil {
		t.Errorf("the item is %s, %v", repr.String(out), err)
	}
	ttl, err := client.DescribeTimeToLive(t.Context(),
		&dynamodb.DescribeTimeToLiveInput{TableName: aws.String(s.Table("Things"))})
	if err != nil || aws.ToString(ttl.TimeToLiveDescription.AttributeName) != "expires" {
		t.Errorf("time to live: %s, %v", repr.String(ttl), err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s, log, _ := start(t, Options{ScheduleEvery: 50 * time.Millisecond})
	var pids []string
	for _, folder := range []string{"echo", "worker", "guard"} {
		pid, err := s.Invoke(t.Context(), folder, []byte(`{"do":"pid"}`))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, string(pid))
	}
	done := make(chan error)
	go func() {
		_, err := s.Invoke(context.Background(), "echo", []byte(`{"do":"hold"}`))
		done <- err
	}()
	log.await(t, `(?m)^echo: holding$`)
	s.Close()
	if err := <-done; err == nil {
		t.Error("an invocation survived Close")
	}
	for _, pid := range pids {
		if err := exec.Command("kill", "-0", pid).Run(); err == nil {
			t.Errorf("process %s is still there", pid)
		}
	}
	for _, url := range []string{s.URL, s.Secrets().URL, s.KMS().URL} {
		if _, err := http.Get(url); err == nil {
			t.Errorf("%s still answers", url)
		}
	}
}
