package importer_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/importer"
)

// A file that says nothing more, like a terminal at which nobody types, does not keep a
// load that is interrupted: not before its first line, not within one, not behind one.
func TestInterruptedWhileTheFileIsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		said string
		line int
	}{
		"nothing yet":        {"", 1},
		"within a line":      {`{"kind":`, 1},
		"an array's start":   {"[\n", 1},
		"behind a bad line":  {`{"kind":"cat"}` + "\n", 2},
		"within the next":    {`{"kind":"cat"}` + "\n{", 2},
		"behind blank lines": {`{"kind":"cat"}` + "\n\n\n", 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file, silent := io.Pipe()
				ctx, interrupt := context.WithCancel(t.Context())
				go func() {
					_, _ = io.WriteString(silent, c.said)
					synctest.Wait()
					interrupt()
				}()
				_, err := importer.Load(ctx, importer.Options{}, file)
				stopped, ok := errors.AsType[*importer.Stopped](err)
				if !ok || stopped.Line != c.line || !errors.Is(err, context.Canceled) {
					t.Errorf("%v, want it stopped at line %d", err, c.line)
				}
				file.Close() // ends what was left behind
			})
		})
	}
}

// silence is a DynamoDB that answers nothing.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// endless is a file that has the same line again and again.
type endless struct {
	line string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.line[e.read%len(e.line):])
	e.read += n
	return n, nil
}

// Lines that take far more memory than they are long are read ahead by their memory: a
// hundred thousand values of one digit take about 10 MB, so that six are as much as may
// wait, and not the three hundred whose lines have as many bytes.
func TestMemoryIsCountedByValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const values = 90_000
		file := &endless{line: `{"kind":"user","customerId":"u","x":[0` + strings.Repeat(",0", values) + "]}\n"}
		ctx, interrupt := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			interrupt()
		}()
		client := dynamodb.New(dynamodb.Options{
			Region: "eu-central-1", HTTPClient: &http.Client{Transport: silence{}},
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
			}),
		})
		_, err := importer.Load(ctx, importer.Options{Client: client}, file)
		stopped, ok := errors.AsType[*importer.Stopped](err)
		if !ok || stopped.Line != 1 {
			t.Errorf("%v", err)
		}
		if lines := file.read / len(file.line); lines < 5 || lines > 20 { // some are buffered
			t.Errorf("%d lines are read ahead", lines)
		}
	})
}
