package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"customercare/infra/client"
	"customercare/shared/operation"
)

// The sentences of operation 3 that are more than the refusal of a row
// (docs/contracts.md).
const (
	unknownCustomer = "code is not the code of a customer of this account"
	heldCustomer    = "the customer is held and cannot be deleted now, the deletion follows when the hold is released"
	wrongUser       = "user_id, user_password or account_id is wrong"
)

const (
	tries    = 6 // of a call that gets no answer, or one that passes
	maxPause = 30 * time.Second
)

// send makes a call as the caller of this kind of data subject, again while the API is
// busy or gives no answer. An app gets its token first, and once a new one.
func (e *eraser) send(ctx context.Context, kind string, r client.Request) (client.Answer, error) {
	renewed := false
	for pause, try := time.Second/4, 1; ; try++ {
		as, err := e.as(ctx, kind, r)
		if err != nil {
			return client.Answer{}, err
		}
		answer, err := e.once(ctx, as)
		if err == nil && answer.Status == http.StatusUnauthorized {
			if kind == Customer || renewed {
				return answer, errNotLetIn(kind)
			}
			e.forget(as)
			renewed = true
			continue
		}
		passing := err != nil || answer.Status == http.StatusTooManyRequests || answer.Status >= 500
		switch {
		case ctx.Err() != nil:
			return answer, context.Cause(ctx)
		case !passing:
			return answer, nil
		case try == tries && err != nil:
			return answer, errors.New("the API gives no answer: when it does, call the same again")
		case try == tries:
			return answer, errors.New("the API answers with status " + strconv.Itoa(answer.Status) +
				": when that has passed, call the same again")
		}
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			pause = time.Duration(seconds) * time.Second
		}
		if err := sleep(ctx, pause); err != nil {
			return answer, err
		}
		pause = min(2*pause, maxPause)
	}
}

func (e *eraser) once(ctx context.Context, r client.Request) (client.Answer, error) {
	if err := e.limit.Wait(ctx); err != nil {
		return client.Answer{}, err
	}
	return e.API.Send(ctx, r)
}

// sleep waits, or returns what ends ctx.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// as is a request with who makes it. Operation 3 has that in its form.
func (e *eraser) as(ctx context.Context, kind string, r client.Request) (client.Request, error) {
	if r.Operation.Name == operation.DeleteCustomer.Name {
		return r, nil
	}
	if kind == Customer {
		return r.As(e.User, e.Key), nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.token == "" {
		answer, err := e.once(ctx, client.IssueToken(e.App, e.Secret).With("X-Token-Expire: 3600"))
		switch {
		case ctx.Err() != nil:
			return r, context.Cause(ctx)
		case err != nil:
			return r, errors.New("the API gives no token: when it does, call the same again")
		case answer.Status == http.StatusUnauthorized:
			return r, errNotLetIn(kind)
		}
		if e.token, err = answer.Token(); err != nil {
			return r, odd(answer)
		}
	}
	return r.Bearer(e.token), nil
}

// forget forgets the token of a request that was not let in.
func (e *eraser) forget(r client.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Header().Get("Authorization") == "Bearer "+e.token {
		e.token = ""
	}
}

// customer asks operation 3 for one row.
func (e *eraser) customer(ctx context.Context, row Row) error {
	if err := e.journal.asked([]Row{row}); err != nil {
		return err
	}
	by := client.APIUser{Name: e.User, Key: e.Key, Account: row.Scope}
	request := client.DeleteCustomer(by, row.ID, "output", "JSON", "condensed", "yes").With(e.headers...)
	answer, err := e.send(ctx, Customer, request)
	if err != nil {
		return err
	}
	var body struct{ Status, Error string }
	wrong := json.Unmarshal([]byte(answer.Body), &body)
	outcome := entry{Line: row.Line, At: row.At, Again: row.again}
	switch {
	case wrong != nil || answer.Status != http.StatusOK:
		return odd(answer)
	case body.Status == "success":
		outcome.Outcome, outcome.Erasure = Accepted, erasureOf(answer)
	case body.Error == wrongUser: // which was right, at the preview
		return errNotLetIn(Customer)
	case body.Error == unknownCustomer:
		outcome.Outcome = NotFound
	case body.Error == heldCustomer:
		outcome.Outcome = Held
	case body.Status == "error":
		outcome.Outcome, outcome.Why = Refused, body.Error
	default:
		return odd(answer)
	}
	return e.done(outcome)
}

// erasureOf is the id of the erasure that an answer names in its header Link.
func erasureOf(answer client.Answer) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(answer.Header.Get("Link"), "<"), ">")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// numbers asks operation 4 for a list of rows. A list that is refused is asked for in
// halves, until the row is found that is at fault.
func (e *eraser) numbers(ctx context.Context, rows []Row) error {
	if err := e.journal.asked(rows); err != nil {
		return err
	}
	numbers := make([]string, len(rows))
	for i, row := range rows {
		numbers[i] = row.ID
	}
	answer, err := e.send(ctx, Number, client.CleanCustomerData(numbers...).With(e.headers...))
	if err != nil {
		return err
	}
	var body struct{ RetCode, RetMsg string }
	outcome := entry{Outcome: Accepted, Erasure: erasureOf(answer)}
	switch wrong := json.Unmarshal([]byte(answer.Body), &body); {
	case wrong != nil || answer.Status != http.StatusOK && answer.Status != http.StatusBadRequest:
		return odd(answer)
	case answer.Status == http.StatusOK && body.RetCode != "0":
		return odd(answer)
	case answer.Status == http.StatusBadRequest && len(rows) > 1:
		half := len(rows) / 2
		if err := e.numbers(ctx, rows[:half]); err != nil {
			return err
		}
		return e.numbers(ctx, rows[half:])
	case answer.Status == http.StatusBadRequest:
		outcome = entry{Outcome: Refused, Why: body.RetMsg}
	}
	entries := make([]entry, len(rows))
	for i, row := range rows {
		entries[i] = outcome
		entries[i].Line, entries[i].At, entries[i].Again = row.Line, row.At, row.again
	}
	return e.done(entries...)
}
