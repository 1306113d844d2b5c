package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"customercare/infra/client"
)

// holdLasts is when our hold ends by itself, should this machine not live to release it.
const holdLasts = 15 * time.Minute

// contains is the rule that an answer has this status, and the text in its body.
func contains(status int, text string) rule {
	return func(a client.Answer) error {
		if a.Status != status || !strings.Contains(a.Body, text) {
			return fmt.Errorf("got %s, want %d with %s", a, status, text)
		}
		return errors.Join(a.HasType(client.JSON), secured(a))
	}
}

// heldPlace is where the customer stands who is held.
func (r *run) heldPlace() place { return r.customerPlace(r.by.Account, r.heldCode) }

// previews looks at what the erasure of that customer would find, as an operator.
func (r *run) previews(ctx context.Context) error {
	found := fmt.Sprintf(`"found":{"customers":1,"transactions":%d,`, fewTransactions)
	request := client.PreviewCustomer(r.by.Account, r.heldCode).As(r.operator, r.password)
	return errors.Join(r.answers(ctx, contains(http.StatusOK, found), request), r.stands(ctx, r.heldPlace()))
}

// refusesHeld places a hold, and looks whether operation 3 then leaves the customer.
func (r *run) refusesHeld(ctx context.Context) error {
	request := client.PlaceHold(r.name, r.by.Account, r.heldCode, "smoke test", time.Now().Add(holdLasts))
	r.held = true // also when its answer is lost
	if err := r.answers(ctx, contains(http.StatusCreated, `"status":"active"`), request.As(r.operator, r.password)); err != nil {
		return err
	}
	r.refused = true
	sentence, err := r.refusesToDelete(ctx, "code", r.heldCode)
	if err == nil && !strings.Contains(sentence, "held") {
		err = fmt.Errorf("the refusal is %q", sentence)
	}
	return errors.Join(err, r.stands(ctx, r.heldPlace()))
}

// releases releases the hold, and waits until what it had refused is erased.
func (r *run) releases(ctx context.Context) error {
	if err := r.release(ctx); err != nil {
		return err
	}
	r.want[r.heldPlace()] = nil
	return r.eventuallyStands(ctx, r.heldPlace())
}

// release releases the hold. From then on it holds nothing.
func (r *run) release(ctx context.Context) error {
	released := func(a client.Answer) error {
		if a.Status != http.StatusOK && a.Status != http.StatusAccepted {
			return fmt.Errorf("got %s, want 202 or 200", a)
		}
		return errors.Join(a.HasType(client.JSON), secured(a))
	}
	if err := r.answers(ctx, released, client.ReleaseHold(r.name).As(r.operator, r.password)); err != nil {
		return err
	}
	r.held = false
	return nil
}
