package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"customercare/infra/client"
	"customercare/shared/operation"
	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// evidence is what the stack says of the erasure of our customer, and what it shows of
// the sealed log for it. Anybody else checks a receipt in the same way, with the log's
// key alone.
func (r *run) evidence() []check {
	return []check{
		{"the deletion's link leads to the erasure, whose acceptance is sealed", r.followsLink},
		{"nobody but who asked is told of it", func(ctx context.Context) error {
			return r.answers(ctx, r.hidden, client.Read(operation.ReadErasure, r.erasure).Bearer(r.token),
				client.Read(operation.ReadReceipt, r.erasure).Bearer(r.token))
		}},
		{"nobody is told of it with a wrong key", func(ctx context.Context) error {
			return r.answers(ctx, problem(http.StatusUnauthorized, "Authorization"),
				client.Read(operation.ReadErasure, r.erasure).As(r.by.Name, r.secret))
		}},
		{"an operator finds it in the list of erasures", r.isListed},
		{"an API user holds nothing", func(ctx context.Context) error {
			return r.answers(ctx, problem(http.StatusForbidden, "not allowed"),
				client.PlaceHold("smoke", r.by.Account, r.code, "smoke").As(r.by.Name, r.by.Key))
		}},
		{"the log's checkpoint is signed by its key", r.opensCheckpoint},
		{"the receipt proves that the erasure is in the log", r.verifiesReceipt},
		{"the receipt of one subject proves whom it is about", r.verifiesSubject},
	}
}

// errNoErasure is what the checks that need the erasure's id say without one.
var errNoErasure = errors.New("the deletion's answer had no link to its erasure")

// statusLink is the header with which a deletion says where its erasure is asked for. A
// stage may stand before the path.
var statusLink = regexp.MustCompile(`^<(?:/[^/>]+)?/erasures/([0-9A-Za-z-]+)>; rel="status"$`)

// linked keeps the id of the erasure that an answer links to.
func (r *run) linked(a client.Answer) {
	if found := statusLink.FindStringSubmatch(a.Header.Get("Link")); found != nil {
		r.erasure = found[1]
	}
}

// asks sends a call about the erasure or the log in our API user's name, and gives the
// answer when it is a success in this media type.
func (r *run) asks(ctx context.Context, request client.Request, media string) (string, error) {
	a, err := r.send(ctx, request.As(r.by.Name, r.by.Key))
	if err != nil {
		return "", err
	}
	if a.Status != http.StatusOK {
		return "", fmt.Errorf("got %s, want 200", a)
	}
	if err := a.HasType(media); err != nil {
		return "", err
	}
	return a.Body, secured(a)
}

// followsLink asks for the erasure until its acceptance is sealed, which takes a minute
// on AWS.
func (r *run) followsLink(ctx context.Context) error {
	if r.erasure == "" {
		return errNoErasure
	}
	began := time.Now()
	for {
		body, err := r.asks(ctx, client.Read(operation.ReadErasure, r.erasure), client.JSON)
		if err != nil {
			return err
		}
		var said struct {
			ID, Kind, Scope, By, Status string
			Log                         map[string]struct {
				Leaf   *int64
				Sealed time.Time
			}
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil {
			return err
		}
		if said.ID != r.erasure || said.Kind != statement.Customer || said.Scope != r.by.Account || said.By != r.by.Name {
			return fmt.Errorf("it says that it is %s of %s %s, asked for by %s", said.ID, said.Kind, said.Scope, said.By)
		}
		if sealed := said.Log[statement.Accepted]; sealed.Leaf != nil && !sealed.Sealed.IsZero() {
			r.note("%s, its acceptance is leaf %d", said.Status, *sealed.Leaf)
			return nil
		}
		if time.Since(began) > r.Timeout {
			return fmt.Errorf("its acceptance was not sealed within %s: does seal-ledger run?", r.Timeout)
		}
		if err := r.wait(ctx, time.Second); err != nil {
			return err
		}
	}
}

// hidden is the rule that a call gets the answer for an erasure that there is not.
func (r *run) hidden(a client.Answer) error {
	if r.erasure == "" {
		return errNoErasure
	}
	return problem(http.StatusNotFound, "There is no such erasure")(a)
}

// problem is the rule that a call is refused with a sentence that holds these words.
func problem(status int, words string) rule {
	return func(a client.Answer) error {
		if a.Status != status || !strings.Contains(a.Body, words) {
			return fmt.Errorf("got %s, want %d and a sentence with %s", a, status, words)
		}
		if err := a.HasType("application/problem+json"); err != nil {
			return err
		}
		return secured(a)
	}
}

// isListed looks for the erasure among the newest ones. On a busy stack it may be behind
// them already, so the pages are turned.
func (r *run) isListed(ctx context.Context) error {
	if r.erasure == "" {
		return errNoErasure
	}
	list := client.Read(operation.ListErasures, "")
	for next := list.Path + "?limit=100"; ; {
		list.Path = next
		a, err := r.send(ctx, list.As(r.operator, r.password))
		switch {
		case err != nil:
			return err
		case a.Status != http.StatusOK:
			return fmt.Errorf("got %s, want 200", a)
		case strings.Contains(a.Body, `"id":"`+r.erasure+`"`):
			return secured(a)
		}
		found := nextLink.FindStringSubmatch(a.Header.Get("Link"))
		if found == nil {
			return errors.New("it is on no page")
		}
		next = found[1]
	}
}

// nextLink is the header with which a page says where the next one is.
var nextLink = regexp.MustCompile(`(/erasures\?[^>]*)>; rel="next"`)

// verifier is the log's key, as the stack gives it to anybody.
func (r *run) verifier(ctx context.Context) (note.Verifier, error) {
	text, err := r.asks(ctx, client.Read(operation.ReadLogKey, ""), plain)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(strings.TrimSuffix(text, "\n"))
}

const plain = "text/plain"

// opensCheckpoint verifies the newest checkpoint with the log's key.
func (r *run) opensCheckpoint(ctx context.Context) error {
	key, err := r.verifier(ctx)
	if err != nil {
		return err
	}
	text, err := r.asks(ctx, client.Read(operation.ReadCheckpoint, ""), plain)
	if err != nil {
		return err
	}
	tree, origin, err := receipt.OpenCheckpoint(text, note.VerifierList(key))
	if err == nil {
		r.note("%d leaves, log %s", tree.N, origin)
	}
	return err
}

// proves fetches a receipt, and verifies it: in the log of the stack's key there is a
// statement about our erasure.
func (r *run) proves(ctx context.Context, request client.Request) (receipt.Verified, error) {
	if r.erasure == "" {
		return receipt.Verified{}, errNoErasure
	}
	key, err := r.verifier(ctx)
	if err != nil {
		return receipt.Verified{}, err
	}
	text, err := r.asks(ctx, request, plain)
	if err != nil {
		return receipt.Verified{}, err
	}
	verified, err := receipt.Verify([]byte(text), note.VerifierList(key))
	said := verified.Statement
	if err == nil && (said.ID != r.erasure || said.Scope != r.by.Account || said.By != r.by.Name) {
		err = fmt.Errorf("it is about %s of %s, asked for by %s", said.ID, said.Scope, said.By)
	}
	return verified, err
}

// verifiesReceipt verifies the receipt of the whole erasure, which names nobody.
func (r *run) verifiesReceipt(ctx context.Context) error {
	verified, err := r.proves(ctx, client.Read(operation.ReadReceipt, r.erasure))
	if err == nil && verified.Subject != nil {
		err = errors.New("it names whom it is about")
	}
	return err
}

// verifiesSubject verifies the receipt of our customer.
func (r *run) verifiesSubject(ctx context.Context) error {
	verified, err := r.proves(ctx, client.ReadReceiptFor(r.erasure, r.code))
	want := store.JoinKey(statement.Customer, r.by.Account, r.code)
	if err == nil && (verified.Subject == nil || verified.Subject.Subject != want) {
		err = errors.New("it is not about our customer")
	}
	return err
}
