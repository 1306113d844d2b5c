package lambda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
)

// TestMain lets the test's own binary be the function that is run. What it does is asked
// for in the event.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("FAIL_AT_START") != "" {
		fmt.Println("cannot start")
		os.Exit(3)
	}
	awslambda.Start(handle)
}

func handle(ctx context.Context, event struct{ Do string }) (any, error) {
	verb, arg, _ := strings.Cut(event.Do, " ")
	switch verb {
	case "pid":
		return os.Getpid(), nil
	case "env":
		return os.Environ(), nil
	case "deadline":
		at, _ := ctx.Deadline()
		return at.UnixMilli(), nil
	case "hold":
		return hold(arg)
	case "exit":
		fmt.Print("bye without a newline")
		os.Exit(4)
	case "panic":
		panic("as asked")
	case "error":
		return nil, errors.New(arg)
	}
	return event.Do, nil
}

// hold says so and is at work until the file at path is there. A process that is to be
// ended meanwhile holds for a file that never comes.
func hold(path string) (any, error) {
	fmt.Println("holding")
	for {
		if _, err := os.Stat(path); err == nil {
			return os.Getpid(), nil
		}
		time.Sleep(time.Millisecond)
	}
}
