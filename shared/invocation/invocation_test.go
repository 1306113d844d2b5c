package invocation

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/metrictest"
)

func TestRecover(t *testing.T) {
	const secret = "135****1111"
	for _, p := range []any{secret, errors.New(secret), 7, map[string]string{secret: secret}} {
		log := metrictest.Capture(t)
		err := func() (err error) {
			defer Recover("op", &err)
			panic(p)
		}()
		if !errors.Is(err, ErrPanicked) || strings.Contains(err.Error(), secret) {
			t.Errorf("%T: %v", p, err)
		}
		text := log.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, `"msg":"panic","operation":"op"`) ||
			!strings.Contains(text, "TestRecover") ||
			strings.Contains(text, secret) {
			t.Errorf("%T: %s", p, text)
		}
	}
	want := errors.New("its own")
	if err := func() (err error) { defer Recover("op", &err); return want }(); err != want {
		t.Errorf("without a panic: %v", err)
	}
}

func TestInTime(t *testing.T) {
	at := time.Now().Add(time.Minute)
	lambda, cancel := context.WithDeadline(t.Context(), at)
	defer cancel()
	ctx, end := InTime(lambda)
	if deadline, ok := ctx.Deadline(); !ok || !deadline.Equal(at.Add(-time.Second)) {
		t.Errorf("the deadline is %v before Lambda's", at.Sub(deadline))
	}
	end()
	if ctx.Err() == nil {
		t.Error("it does not end")
	}
	ctx, end = InTime(t.Context())
	defer end()
	if _, ok := ctx.Deadline(); ok {
		t.Error("a deadline from nowhere")
	}
}
