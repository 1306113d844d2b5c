package auditlog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"customercare/infra/deployment"
)

// How long a query is waited for, and the pauses between two looks at it, which double.
const (
	longestQuery = 10 * time.Minute
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
)

// margin is how much more time is asked for on both sides: CloudWatch goes by its own
// time of a line, which comes after the line's. What is too much is left out later.
const margin = time.Minute

var errLong = fmt.Errorf("the query is not done after %.0f minutes: ask for less time with --since and --until",
	longestQuery.Minutes())

// ended are the sentences for a query that has ended without a result.
var ended = map[types.QueryStatus]string{
	types.QueryStatusFailed:    "CloudWatch Logs could not carry the query out: call this again",
	types.QueryStatusCancelled: "somebody has cancelled the query in CloudWatch Logs: call this again",
	types.QueryStatusTimeout: "the query took longer than CloudWatch Logs lets one take:" +
		" ask for less time with --since and --until",
}

// throttled tells the refusals that mean "later".
var throttled = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// Insights asks the log group of a stack by a query of CloudWatch Logs Insights, and
// waits for its end. Since and Until must be set. AWS may keep the query's text, which
// has digests or an erasure's id in it, and no name. Errors are sentences.
func Insights(ctx context.Context, group deployment.LogGroup, q Question) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, longestQuery, errLong)
	defer cancel()
	what := "the log group " + group.Name
	started, err := group.Client.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{
		LogGroupName: &group.Name, QueryString: aws.String(q.query()), Limit: aws.Int32(Most),
		StartTime: aws.Int64(q.Since.Add(-margin).Unix()), EndTime: aws.Int64(q.Until.Add(margin).Unix()),
	})
	if _, malformed := errors.AsType[*types.MalformedQueryException](err); malformed && ctx.Err() == nil {
		return Answer{}, errors.New("CloudWatch Logs refuses the query: most often because --until is before" +
			" the log group was made, or before all that it keeps")
	}
	if throttled.IsErrorThrottle(err).Bool() && ctx.Err() == nil {
		return Answer{}, errors.New("CloudWatch Logs takes no more queries at this moment: try again in a minute")
	}
	if err != nil {
		return Answer{}, deployment.Explain(ctx, what, err)
	}
	var answer Answer
	in, rows := &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId}, 0
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		out, err := group.Client.GetQueryResults(ctx, in)
		switch {
		case err != nil && (ctx.Err() != nil || !throttled.IsErrorThrottle(err).Bool()):
			return Answer{}, deployment.Explain(ctx, what, err)
		case err != nil: // and asked again
		case out.Status == types.QueryStatusComplete:
			answer.readRows(q, out.Results)
			rows += len(out.Results)
			if out.NextToken == nil {
				answer.close()
				answer.More = rows >= Most
				return answer, nil
			}
			in.NextToken = out.NextToken
			continue
		case ended[out.Status] != "":
			return Answer{}, errors.New(ended[out.Status])
		}
		select {
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// query is the text of the query. Whole words, the caller and the exact time are looked
// at in what comes back.
func (q Question) query() string {
	where := fmt.Sprintf("erasure = %q", q.Erasure)
	if q.Erasure == "" {
		patterns := make([]string, len(q.Digests))
		for i, digest := range q.Digests {
			patterns[i] = regexp.QuoteMeta(digest)
		}
		where = "subject like /" + strings.Join(patterns, "|") + "/"
	}
	return fmt.Sprintf("fields @message | filter msg = \"audit\" and %s | sort @timestamp asc | limit %d", where, Most)
}

// readRows reads the lines of one page of results.
func (a *Answer) readRows(q Question, rows [][]types.ResultField) {
	for _, row := range rows {
		for _, field := range row {
			if aws.ToString(field.Field) == "@message" {
				a.read(q, []byte(aws.ToString(field.Value)))
			}
		}
	}
}
