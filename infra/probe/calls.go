package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"customercare/infra/client"
	"customercare/shared/operation"
)

const (
	callTimeout = 30 * time.Second // API Gateway itself gives up after 29 s
	busyTries   = 4                // of a call that is refused for its rate
)

var (
	accessToken = regexp.MustCompile(`"AccessToken"\s*:\s*"([^"]+)"`)
	// likeAToken is a token in an answer that is not as it should be, so that its value
	// is not known.
	likeAToken = regexp.MustCompile(`(?i)(AccessToken[^A-Za-z0-9]{1,8}|Bearer )[A-Za-z0-9._~+/-]{8,}`)
)

// mask takes secrets and tokens out of what is to be shown: an answer that is wrong may
// hold anything that was sent.
func (r *run) mask(text string) string {
	for _, secret := range slices.Concat(r.secrets(), r.tokens) {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return likeAToken.ReplaceAllString(text, "$1***")
}

// send makes a call. One that is refused for its rate is made again: a stack may allow
// fewer calls a second than come here.
func (r *run) send(ctx context.Context, request client.Request) (client.Answer, error) {
	for try := 1; ; try++ {
		answer, err := r.sendOnce(ctx, request)
		if err != nil || answer.Status != http.StatusTooManyRequests || try == busyTries {
			return answer, err
		}
		r.note("429 at first")
		if err := r.wait(ctx, time.Second); err != nil {
			return answer, err
		}
	}
}

// sendOnce makes a call and keeps what remove has to know of it.
func (r *run) sendOnce(ctx context.Context, request client.Request) (client.Answer, error) {
	answer, err := r.api.Send(ctx, request)
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		r.nobody = true // also when the host is not known
		return answer, fmt.Errorf("nobody answers there: %w", err)
	}
	r.lost = r.lost || err != nil && request.Operation.Name == operation.IssueToken.Name
	for _, found := range accessToken.FindAllStringSubmatch(answer.Body, -1) {
		r.tokens = append(r.tokens, found[1])
	}
	return answer, err
}

// rule says what is wrong with an answer; nil: nothing.
type rule func(client.Answer) error

// answers makes calls, and holds the answer to each to a rule.
func (r *run) answers(ctx context.Context, right rule, requests ...client.Request) error {
	for _, request := range requests {
		answer, err := r.send(ctx, request)
		if err == nil {
			err = right(answer)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", request.Method, err)
		}
	}
	return nil
}

// exactly is the rule that the answer is this one, word for word, as a function gives it.
func exactly(want client.Expected) rule {
	return func(a client.Answer) error {
		if err := a.Is(want); err != nil {
			return err
		}
		return secured(a)
	}
}

// tells is the rule that the answer is a function's failure of this form (client.Any
// stands for the sentence), whose sentence holds the word. A 405 must name the methods.
func tells(want client.Expected, word string) rule {
	return func(a client.Answer) error {
		sentence, err := a.Sentence(want)
		if err != nil {
			return err
		}
		if !strings.Contains(sentence, word) {
			return fmt.Errorf("got %s, want a sentence with %s", a, word)
		}
		if allow := a.Header.Get("Allow"); a.Status == http.StatusMethodNotAllowed && allow != "DELETE, GET, PUT" {
			return fmt.Errorf("the header Allow is %q: %s", allow, a)
		}
		return secured(a)
	}
}

// refusedByGateway is the rule that API Gateway itself refuses the call. The format and
// fields of such an answer depend on the cause, not on the operation.
func (r *run) refusedByGateway(status int) rule {
	inXML, inJSON := client.NotDone(client.XML, status, client.Any), client.NotDone(client.JSON, status, client.Any)
	inXML.Body = strings.Replace(inXML.Body, "\n", "", 1) // the template's is one line
	app, both := client.Failed(status, client.Any), inJSON
	both.Body = strings.TrimSuffix(inJSON.Body, "}") + "," + strings.TrimPrefix(app.Body, "{")
	return func(a client.Answer) error {
		for _, form := range []client.Expected{inXML, inJSON, app, both} {
			if _, err := a.Sentence(form); err == nil {
				r.note("%d in %s", status, map[string]string{client.JSON: "JSON", client.XML: "XML"}[form.Media])
				return secured(a)
			}
		}
		return fmt.Errorf("got %s, want %d and the fields of a failure in JSON or XML", a, status)
	}
}

// refusedGet is the rule that operation 3 does nothing by GET: there is no such route,
// or, where other types are passed on, a call that has no type is refused.
func (r *run) refusedGet(a client.Answer) error {
	if tells(client.NotDeleted(client.XML, client.Any), "type is required")(a) == nil {
		r.note("other types are passed on")
		return nil
	}
	return r.refusedByGateway(http.StatusNotFound)(a)
}

// challenged is refusedByGateway of a 401, which must tell how to authorize: `Basic
// realm="customercare"`. API Gateway passes WWW-Authenticate on under another name when a
// function says it, and under its own when the gateway does.
func (r *run) challenged(scheme string) rule {
	challenge := scheme + ` realm="customercare"`
	return func(a client.Answer) error {
		if err := r.refusedByGateway(http.StatusUnauthorized)(a); err != nil {
			return err
		}
		for _, name := range []string{"Www-Authenticate", "X-Amzn-Remapped-Www-Authenticate"} {
			if a.Header.Get(name) == challenge {
				r.note("challenge in %s", strings.ToLower(name))
				return nil
			}
		}
		return fmt.Errorf("WWW-Authenticate is %q, want %s", a.Header.Get("Www-Authenticate"), challenge)
	}
}

// secured is the rule of the headers that every answer carries.
func secured(a client.Answer) error {
	for name, want := range map[string]string{
		"Cache-Control":             "no-store",
		"X-Content-Type-Options":    "nosniff",
		"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
	} {
		if got := a.Header.Get(name); got != want {
			return fmt.Errorf("%s is %q, want %s: %s", name, got, want, a)
		}
	}
	return nil
}
