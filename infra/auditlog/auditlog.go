// Package auditlog asks the audit lines who has called about a data subject, or for an
// erasure. The lines are those of package audit: in CloudWatch Logs for a stack, in the
// log files of `make run` for the local one. They name data subjects by digests only, so
// whoever asks makes every digest that may stand for the subject first.
package auditlog

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"customercare/shared/audit"
)

// Most is how many calls an answer has at most.
const Most = 10_000

// Call is what an audit line says of one call. The digests are not part of it, because a
// call about a thousand numbers would fill a screen with them.
type Call struct {
	Time         time.Time `json:"time"`
	Operation    string    `json:"operation"`
	Principal    string    `json:"principal"`
	Kind         string    `json:"kind"` // of the principal: operator, apiUser or app
	Did          string    `json:"did,omitempty"`
	Subjects     int       `json:"subjects"`
	Outcome      string    `json:"outcome"`
	Status       int       `json:"status"`
	Erasure      string    `json:"erasure,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	Ticket       string    `json:"ticket,omitempty"`
	Omitted      string    `json:"omitted,omitempty"`
	APIRequestID string    `json:"apiRequestId,omitempty"`
	RequestID    string    `json:"requestId,omitempty"`
}

// Question says which calls are asked for: those that meet all fields that are set. One
// of Digests and Erasure must be.
type Question struct {
	Digests   []string  // every one that may stand for the data subject
	Erasure   string    // an erasure's id
	Principal string    // who called
	Since     time.Time // the first moment
	Until     time.Time // the moment after the last one
}

// Answer is what was found, oldest first.
type Answer struct {
	Calls []Call
	// More says that Most was reached: there are more calls, or there may be.
	More bool
	// OtherKeys are the ids of keys that none of the question's digests is made with, and
	// that lines of the time asked for have. Whom those are about cannot be told.
	OtherKeys []string

	others map[string]bool
}

// line is an audit line.
type line struct {
	Msg     string `json:"msg"`
	Subject string `json:"subject"`
	Call
}

// mark is in every audit line, and in few others: only those are worth being parsed.
var mark = []byte(`"` + audit.Message + `"`)

// read takes a line into the answer if it is an audit line that the question asks for.
// Any other text is passed over: a log has other lines, and one may be cut short.
func (a *Answer) read(q Question, text []byte) {
	var l line
	if !bytes.Contains(text, mark) || json.Unmarshal(text, &l) != nil || l.Msg != audit.Message {
		return
	}
	if l.Time.Before(q.Since) || !q.Until.IsZero() && !l.Time.Before(q.Until) ||
		q.Principal != "" && l.Principal != q.Principal || q.Erasure != "" && l.Erasure != q.Erasure {
		return
	}
	if q.Erasure == "" && !a.isAbout(q.Digests, l.Subject) {
		return
	}
	a.Calls = append(a.Calls, l.Call)
	if len(a.Calls) >= 2*Most { // files are not read in the order of time
		a.close()
	}
}

// isAbout says whether one of the digests is among those of a line, as a whole word. It
// notes the keys that the digests do not know.
func (a *Answer) isAbout(digests []string, subject string) (found bool) {
	for word := range strings.FieldsSeq(subject) {
		if slices.Contains(digests, word) {
			return true
		}
		id, _, _ := strings.Cut(word, ".")
		if !a.others[id] && !slices.ContainsFunc(digests, func(d string) bool { return strings.HasPrefix(d, id+".") }) {
			if a.others == nil {
				a.others = map[string]bool{}
			}
			a.others[id] = true
		}
	}
	return false
}

// close puts the answer in order, and cuts it where it is too long.
func (a *Answer) close() {
	slices.SortStableFunc(a.Calls, func(a, b Call) int { return a.Time.Compare(b.Time) })
	if len(a.Calls) > Most {
		a.Calls, a.More = a.Calls[:Most], true
	}
	a.OtherKeys = slices.Sorted(maps.Keys(a.others))
}
