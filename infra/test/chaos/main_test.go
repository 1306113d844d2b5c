// Package chaos kills the whole local stack, DynamoDB included, at random moments in the
// middle of erasures, starts it again on the same data, and looks whether every promise
// was kept. `make test` runs a few rounds, `make chaos` many.
package chaos

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/infra/local/process"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// childData, set to the data folder, makes this test binary the stack that is killed.
const childData = "CHAOS_CHILD_DATA"

func TestMain(m *testing.M) {
	if data := os.Getenv(childData); data != "" {
		if err := serve(data); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// number is a setting of `make chaos`, or what `make test` is content with.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// cache is where engines and binaries lie.
func cache() string { return filepath.Join(dynamotest.Root(), ".cache") }

// inMemory in place of a data folder keeps nothing.
const inMemory = "memory"

// serve runs the stack on the data folder until it is killed or its standard input ends.
func serve(data string) error {
	if data == inMemory {
		data = ""
	}
	database, err := engine.Start(context.Background(), engine.Options{DataDir: data})
	if err != nil {
		return err
	}
	defer database.Close()
	between := &calls{}
	address, end, err := between.before(database.Endpoint)
	if err != nil {
		return err
	}
	defer end()
	s, err := stack.Start(context.Background(), stack.Options{
		Root: dynamotest.Root(), Endpoint: database.Endpoint, FunctionEndpoint: address,
		BinDir: filepath.Join(cache(), "bin"), Log: os.Stderr,
		ScheduleEvery: time.Second,
		// The same in each life.
		Secrets: map[string]string{"DigestKeys": `{"1":"digest-key-of-the-chaos-tests-0123456789"}`},
		Parameters: map[string]string{
			"WriterLifetime": "2s", "ClockSkew": "1s", "DrainBudget": "100ms", "WorkerLease": "2s",
			"WorkerTimeout": "10",
			"DeleteRate":    "10000", "CleanRate": "10000", "ThrottleBurst": "5000",
		},
		IntegrationPeriod: generous, // storms are to be taken, however long it takes
	})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("ready", s.URL, database.Endpoint)
	between.obey(os.Stdin)
	return nil
}

// generous is longer than anything takes that happens at all.
const generous = 10 * time.Minute

// accessKey is what a function in this folder signs with.
func accessKey(folder string) string { return lambda.Function{Folder: folder}.AccessKeyID() }

// victim is one life of the stack.
type victim struct {
	url    string
	client *dynamodb.Client
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	said   chan string   // what it has obeyed
	ended  chan struct{} // closed when it is no more
}

// start begins a life of the stack on the data folder.
func start(t *testing.T, data string) *victim {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{cmd: exec.Command(self), said: make(chan string, 16), ended: make(chan struct{})}
	v.cmd.Env = append(os.Environ(), childData+"="+data)
	if os.Getenv("CHAOS_LOG") != "" {
		v.cmd.Stderr = os.Stderr
	}
	said, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if v.stdin, err = v.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := process.Start(v.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.kill)
	lines := bufio.NewScanner(said)
	first := make(chan string, 1)
	go func() {
		if lines.Scan() {
			first <- lines.Text()
		}
		close(first)
		for lines.Scan() {
			v.said <- lines.Text()
		}
		_ = v.cmd.Wait()
		close(v.ended)
	}()
	select {
	case line := <-first:
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "ready" {
			t.Fatalf("the stack ended before it was ready: %s", line)
		}
		v.url, v.client = words[1], dynamotest.Client(words[2])
	case <-time.After(generous):
		t.Fatal("the stack does not start")
	}
	return v
}

// tell makes its calls do something (calls), and returns when they have heard it, or are
// no more.
func (v *victim) tell(command string, values ...any) {
	if _, err := fmt.Fprintf(v.stdin, command+"\n", values...); err != nil {
		return
	}
	select {
	case <-v.said:
	case <-v.ended:
	}
}

// kill ends it with SIGKILL; the kernel then kills its children, DynamoDB and the
// functions, the same way.
func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	<-v.ended
}

// stop ends it in order.
func (v *victim) stop(t *testing.T) {
	t.Helper()
	v.stdin.Close()
	<-v.ended
	if !v.cmd.ProcessState.Success() {
		t.Errorf("the stack ended with %v", v.cmd.ProcessState)
	}
}
