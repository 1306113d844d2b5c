package load

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"github.com/tsenart/vegeta/v12/lib"

	"customercare/infra/client"
	"customercare/infra/local/apigateway"
)

// verdict is what a result is.
type verdict int

const (
	right   verdict = iota
	refused         // for the rate: API Gateway's 429
	busy            // one of the 503s that say so, or the 500 of operations 4 and 5
	wrong
	lost // no answer at all
)

// judge compares a result with what its call must get; sentence says what is wrong. own
// are the template's answers that API Gateway gives by itself, by type.
func judge(r *vegeta.Result, c *call, own map[string]apigateway.Response) (v verdict, sentence string) {
	if r.Code == 0 {
		return lost, r.Error
	}
	fault := c.want.differs(r)
	if fault == "" {
		return right, ""
	}
	for _, other := range c.instead(own) {
		if !other.says(r) {
			continue
		}
		if fault = other.headersDiffer(r); fault == "" {
			return other.verdict, ""
		}
	}
	return wrong, fmt.Sprintf("%s: %s %s: %s", c.kind, c.Method, c.Path, fault)
}

// says tells whether a result has this answer's status, type and body, word for word.
func (want answer) says(r *vegeta.Result) bool {
	same := string(r.Body) == want.Body
	if want.pattern != nil {
		same = want.pattern.Match(r.Body)
	}
	return int(r.Code) == want.Status && mediaOf(r) == want.Media && same
}

func mediaOf(r *vegeta.Result) string {
	media, _, _ := mime.ParseMediaType(r.Headers.Get("Content-Type"))
	return media
}

// differs says in what a result is not this answer; "" when it is.
func (want answer) differs(r *vegeta.Result) string {
	if !want.says(r) {
		return fmt.Sprintf("got %d %s %.300q, want %d %s %.300q", r.Code, mediaOf(r), r.Body, want.Status, want.Media,
			want.Body)
	}
	return want.headersDiffer(r)
}

// onEvery answer are these headers, API Gateway's own answers included.
var onEvery = map[string]string{
	"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}

// longestWait is what a caller may be told to wait, in seconds.
const longestWait = 60

// headersDiffer says which header of a result is not as on every answer; a 429 and a 503
// also say when to come again.
func (want answer) headersDiffer(r *vegeta.Result) string {
	for name, value := range onEvery {
		if got := r.Headers.Values(name); len(got) != 1 || got[0] != value {
			return fmt.Sprintf("got %d with %s %q, want %s", r.Code, name, got, value)
		}
	}
	if want.Status == http.StatusTooManyRequests || want.Status == http.StatusServiceUnavailable {
		again := r.Headers.Get("Retry-After")
		if seconds, err := strconv.Atoi(again); err != nil || seconds < 1 || seconds > longestWait {
			return fmt.Sprintf("got %d with the Retry-After %q, want seconds", r.Code, again)
		}
	}
	return ""
}

// busySentence is a function's for a table that is slow or throttled.
const busySentence = "The service is busy, try again in a moment"

// other is an answer that a call may get in place of its own when there is too much to
// do.
type other struct {
	answer
	verdict verdict
}

// instead are those of this call. API Gateway's follow Accept alone, and a function's the
// format it would have answered in.
func (c *call) instead(own map[string]apigateway.Response) (all []other) {
	media := client.JSON
	if slices.Contains(c.Headers, client.AcceptXML) {
		media = client.XML
	}
	for kind, v := range map[string]verdict{
		"THROTTLED": refused, "INTEGRATION_FAILURE": busy, "INTEGRATION_TIMEOUT": busy, "AUTHORIZER_FAILURE": busy,
	} {
		by := client.Expected{Status: own[kind].StatusCode, Media: media, Body: own[kind].Templates[media]}
		all = append(all, other{answer{Expected: by}, v})
	}
	var function client.Expected
	switch c.kind {
	case deleteInfo, setAllow:
		function = client.NotDone(c.want.Media, http.StatusServiceUnavailable, busySentence)
	case deleteCustomer:
		function = client.NotDeleted(c.want.Media, busySentence)
		function.Status = http.StatusServiceUnavailable
	default: // operations 4 and 5 have no 503
		function = client.Failed(http.StatusInternalServerError, busySentence)
	}
	return append(all, other{answer{Expected: function}, busy})
}
