package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/deployment"
	"customercare/infra/fixture"
	"customercare/shared/store"
)

// maxClockDifference is how far the clocks of the stack and of this machine may lie
// apart.
const maxClockDifference = 5 * time.Minute

// askForToken checks every field of the answer, and returns the token.
func (r *run) askForToken(ctx context.Context, expires string, headers ...string) (string, error) {
	a, err := r.send(ctx, client.IssueToken(r.app, r.secret).With(headers...))
	if err != nil {
		return "", err
	}
	shape := client.Issued(r.app, expires)
	found := shape.FindStringSubmatch(a.Body)
	if a.Status != http.StatusOK || found == nil {
		return "", fmt.Errorf("got %s, want 200 like %s", a, shape)
	}
	created, _ := strconv.ParseInt(found[2], 10, 64)
	if off := time.Since(time.Unix(created, 0)).Abs(); off > maxClockDifference {
		return "", fmt.Errorf("CreateTime is %s off", off)
	}
	if err := a.HasType(client.JSON); err != nil {
		return "", err
	}
	return found[1], secured(a)
}

// refusesInBothFormats is the check that our operator's call is refused with a sentence
// that holds the word, in JSON and in XML.
func (r *run) refusesInBothFormats(name string, request client.Request, status int, word string) check {
	request = request.As(r.operator, r.password)
	return check{name, func(ctx context.Context) error {
		for _, media := range []string{client.JSON, client.XML} {
			right := tells(client.NotDone(media, status, client.Any), word)
			if err := r.answers(ctx, right, request.With("Accept: "+media)); err != nil {
				return err
			}
		}
		return nil
	}}
}

// refusesToDelete checks that a form with changes is refused in XML and in JSON, both
// times with HTTP status 200 and the same sentence, and returns the sentence.
func (r *run) refusesToDelete(ctx context.Context, changes ...string) (string, error) {
	sentences := map[string]string{}
	inJSON := r.form(append(changes, "output", "json", "condensed", "yes")...)
	for media, request := range map[string]client.Request{
		client.XML:  client.DeleteCustomer(r.by, r.code, r.form(changes...)...).Under(1),
		client.JSON: client.DeleteCustomerInParts(r.by, r.code, inJSON...),
	} {
		err := r.answers(ctx, func(a client.Answer) (err error) {
			sentences[media], err = a.Sentence(client.NotDeleted(media, client.Any))
			return errors.Join(err, secured(a))
		}, request)
		if err != nil {
			return "", err
		}
	}
	if sentences[client.XML] != sentences[client.JSON] {
		return "", fmt.Errorf("%q in XML, %q in JSON", sentences[client.XML], sentences[client.JSON])
	}
	return sentences[client.XML], nil
}

// setsAllow sets a temporary allow and checks that it stands, granted by our operator,
// until the date, and that nothing else of the user changed.
func (r *run) setsAllow(ctx context.Context, kind string, lasts time.Duration, media string, path int) error {
	at := r.userPlace(r.user)
	r.acted[at] = true
	expires := time.Now().Add(lasts).UTC().Truncate(time.Millisecond)
	request := client.SetTemporaryAllow(r.user, client.Allow{Type: kind, Expires: expires}, media).
		Under(path).As(r.operator, r.password)
	if media == client.XML {
		request = request.With(client.AcceptXML)
	}
	if err := r.answers(ctx, exactly(client.Done(media)), request); err != nil {
		return err
	}
	got, err := r.read(ctx, at)
	if err != nil {
		return err
	}
	if len(got) != 1 {
		return errors.New("the user is gone")
	}
	allow := attribute.ReadMap(attribute.ReadMap(got[0], "tempAllows"), kind)
	if attribute.ReadNumber(allow, "expires") != expires.UnixMilli() ||
		attribute.ReadText(allow, "grantedBy") != r.operator {
		return fmt.Errorf("no temporary allow of type %s stands, or with another date, or as another's", kind)
	}
	// When it was granted is the product's own: what stands is taken over.
	attribute.ReadMap(r.want[at][0], "tempAllows")[kind] = attribute.Map(allow)
	return r.stands(ctx, at)
}

// deletesInfo is the check of one deletion of operation 1, answered in XML and again in
// JSON: after each the user stands, but without what is to be gone.
func (r *run) deletesInfo(name, user string, path int, query string, gone ...string) check {
	at := r.userPlace(user)
	request := client.DeleteCustomerInfo(user, query).Under(path).As(r.operator, r.password)
	return check{name, func(ctx context.Context) error {
		r.acted[at] = true
		for _, item := range r.want[at] {
			for _, name := range gone {
				delete(item, name)
			}
			if item["tempAllows"] == nil {
				item["tempAllows"] = attribute.Map(attribute.Item{}) // which always stands
			}
		}
		for _, media := range []string{client.XML, client.JSON} {
			if err := r.answers(ctx, exactly(client.Done(media)), request.With("Accept: "+media)); err != nil {
				return err
			}
			if err := r.stands(ctx, at); err != nil {
				return err
			}
		}
		return nil
	}}
}

// shortestJob is less than any job lasts: a deployment may have a WriterLifetime of
// seconds.
const shortestJob = time.Second

// deletesCustomer deletes our customer, and looks at once: from the answer on no reader
// that looks at the customer's item may find the customer, because the tombstone of our
// open job stands there. The transactions may go in the background.
func (r *run) deletesCustomer(ctx context.Context) error {
	began := time.Now()
	request := client.DeleteCustomerInParts(r.by, r.code, r.form()...).Under(1)
	deleted := exactly(client.Deleted(client.XML, r.code))
	err := r.answers(ctx, func(a client.Answer) error {
		r.linked(a)
		return deleted(a)
	}, request)
	if err != nil {
		return err
	}
	at := r.customerPlace(r.by.Account, r.code)
	r.want[at] = nil
	left, err := r.read(ctx, at)
	if err != nil {
		return err
	}
	var tombstone, job attribute.Item
	for _, item := range left {
		switch {
		case isTombstone(item):
			tombstone = item
		case attribute.ReadText(item, "record") == store.CustomerRecord:
			return errors.New("the customer was said to be deleted, and still stands")
		}
	}
	if tombstone != nil {
		key := attribute.Item{"erasureId": tombstone["tombstone"]}
		if job, err = deployment.Get(ctx, r.Deployment.DB, r.Deployment.Tables.Erasures, key); err != nil {
			return err
		}
	}
	switch {
	case job == nil && time.Since(began) > shortestJob:
		r.note("its job has ended already")
		return nil
	case tombstone == nil:
		return errors.New("the customer is gone, but no tombstone keeps late writers from bringing it back")
	}
	for name, want := range map[string]string{"state": "open", "scope": r.by.Account, "requestedBy": r.by.Name} {
		if attribute.ReadText(job, name) != want {
			return errors.New("the tombstone's job is not in the ledger: open, of our account, asked for by our user")
		}
	}
	return nil
}

// contactsGone waits until the two contacts of our number are gone, as the one and as the
// other party. The stranger's contact stays under the number that it shares with them,
// and so does the other tenant's under the same numbers.
func (r *run) contactsGone(ctx context.Context) error {
	for _, number := range []string{r.number, r.called, r.shared} {
		at := r.contactPlace(r.tenant, number)
		r.want[at] = slices.DeleteFunc(r.want[at], func(item attribute.Item) bool {
			return attribute.ReadText(item, "contact") != store.ContactKey(fixture.At, neighbourContact)
		})
		if err := r.eventuallyStands(ctx, at); err != nil {
			return err
		}
	}
	return nil
}
