// Package chaos kills the whole local stack, DynamoDB included, at random moments in the middle of erasures, starts it
// again on the same data, and looks whether every promise was kept. `make test` runs a few rounds, `make chaos` many.
package chaos

import (
	"bufio"
	"context"
	"errors"
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

	"customercare/infra/dynamotest"
	"customercare/infra/engine"
	"customercare/infra/process"
	"customercare/infra/stack"
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

func cache() string { return filepath.Join(dynamotest.Root(), ".cache") }

// inMemory in place of a data folder keeps nothing.
const inMemory = "memory"

// serve runs the stack on the data folder until it is killed or its standard input ends.
func serve(data string) error {
	if data == inMemory {
		data = ""
	}
	database, err := engine.Start(context.Background(), engine.Options{CacheDir: cache(), DataDir: data})
	if err != nil {
		return err
	}
	defer database.Close()
	s, err := stack.Start(context.Background(), stack.Options{
		Root: dynamotest.Root(), Endpoint: database.Endpoint, BinDir: filepath.Join(cache(), "bin"), Log: os.Stderr,
		ScheduleEvery: time.Second,
		// The same in each life.
		Secrets: map[string]string{"DigestKeys": `{"1":"digest-key-of-the-chaos-tests-0123456789"}`},
		Parameters: map[string]string{
			"WriterLifetime": "2s", "ClockSkew": "1s", "DrainBudget": "500ms", "WorkerLease": "2s",
			"WorkerTimeout": "10",
			"DeleteRate":    "10000", "CleanRate": "10000", "ThrottleBurst": "5000",
		},
	})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("ready", s.URL, database.Endpoint)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// victim is one life of the stack.
type victim struct {
	url    string
	client *dynamodb.Client
	cmd    *exec.Cmd
	stdin  io.Closer
}

// start begins a life of the stack on the data folder.
func start(t *testing.T, data string) *victim {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{cmd: exec.Command(self)}
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
	watchdog := time.AfterFunc(time.Minute, v.kill)
	defer watchdog.Stop()
	for lines := bufio.NewScanner(said); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 3 && words[0] == "ready" {
			v.url, v.client = words[1], dynamotest.Client(words[2])
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return v
		}
		if len(words) > 0 && words[0] == "failed" {
			t.Fatal(lines.Text())
		}
	}
	t.Fatal("the stack ended before it was ready")
	return nil
}

// kill ends it with SIGKILL; the kernel then kills its children, DynamoDB Local and the functions, the same way.
func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
}

// stop ends it in order.
func (v *victim) stop(t *testing.T) {
	t.Helper()
	v.stdin.Close()
	if err := v.cmd.Wait(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the stack ended with %v", err)
	}
}
