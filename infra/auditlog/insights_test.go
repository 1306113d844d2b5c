package auditlog

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"customercare/infra/deployment"
)

// running answers each call: a query that never ends.
type running struct{ looks []time.Time }

func (r *running) Do(request *http.Request) (*http.Response, error) {
	body := `{"queryId":"q"}`
	if strings.HasSuffix(request.Header.Get("X-Amz-Target"), ".GetQueryResults") {
		r.looks = append(r.looks, time.Now())
		body = `{"status":"Running","results":[]}`
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}}, nil
}

// A query that does not end is looked at less and less often, and at last given up.
func TestAQueryThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &running{}
		client := cloudwatchlogs.NewFromConfig(aws.Config{Region: "eu-west-1", HTTPClient: service,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
			})})
		begin := time.Now()
		_, err := Insights(t.Context(), deployment.LogGroup{Name: "g", Client: client},
			Question{Digests: []string{"1.aa"}, Since: day, Until: day.Add(time.Hour)})
		if err == nil || err.Error() != "the query is not done after 10 minutes: ask for less time with --since and --until" {
			t.Error(err)
		}
		if took := time.Since(begin); took != longestQuery {
			t.Errorf("it is given up after %s", took)
		}
		n := len(service.looks)
		if n > 130 {
			t.Errorf("%d looks", n)
		}
		for i := 2; i < n; i++ {
			before, pause := service.looks[i-1].Sub(service.looks[i-2]), service.looks[i].Sub(service.looks[i-1])
			if pause < before || pause > longestPause {
				t.Errorf("pauses of %s and %s", before, pause)
			}
		}
	})
}
