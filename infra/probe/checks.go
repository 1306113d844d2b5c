package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"customercare/infra/client"
	"customercare/shared/operation"
)

// laterChecks are made in this order: all that must be refused, then what the operations
// do. They are built when firstChecks are over, because their calls need the token that
// those got. The rules that answers are held to are in calls.go, what takes more than one
// call or a look into the tables is in effects.go.
func (r *run) laterChecks() []check {
	return slices.Concat(
		r.provisionRefusals(), r.customerRefusals(), r.numbersRefusals(),
		[]check{
			{"a path that nobody offers is a 404", r.unknownPath},
			{"what was refused has changed nothing", r.everythingStands},
		},
		r.provisionEffects(), r.customerEffects(), r.numbersEffects(), r.evidence(),
		[]check{
			{"an expired token is refused", r.expired},
			{"everybody else's data is untouched", r.everythingStands},
		},
	)
}

// call is a check of calls whose answers need no other look.
func (r *run) call(name string, right rule, requests ...client.Request) check {
	return check{name, func(ctx context.Context) error { return r.answers(ctx, right, requests...) }}
}

// firstChecks load the records, and check operation 5.
func (r *run) firstChecks() []check {
	noSecret := client.IssueToken(r.app, "")
	noSecret.Body = `{"app_key":"` + r.app + `"}`
	return []check{
		{"records are loaded: operator, API user, two apps, two users, " +
			"three customers with 66 transactions, four contacts", r.load},
		{"an app gets a token", func(ctx context.Context) (err error) {
			r.token, err = r.askForToken(ctx, "600")
			return err
		}},
		{"an app gets a token for a second", func(ctx context.Context) (err error) {
			r.shortToken, err = r.askForToken(ctx, "1", "X-Token-Expire: 1")
			r.shortOver = time.Now().Add(2 * time.Second) // its second, and what it began within
			return err
		}},
		r.call("a wrong app_secret is refused", tells(client.Failed(401, client.Any), "app_secret"),
			client.IssueToken(r.app, r.by.Key)),
		r.call("a missing app_secret is a 400", tells(client.Failed(400, client.Any), "app_secret"), noSecret),
	}
}

// provisionRefusals are what operations 1 and 2 refuse.
func (r *run) provisionRefusals() []check {
	kind := r.allowTypes()[0]
	reset := client.DeleteCustomerInfo(r.user, "reset=true")
	other, text := reset, client.SetTemporaryAllow(r.user, client.Allow{Type: kind}, client.JSON).Under(1)
	other.Method, text.Headers = http.MethodPatch, []string{"Content-Type: text/plain"}
	past := client.Allow{Type: kind, Expires: time.Date(2021, 10, 15, 1, 29, 29, 768e6, time.UTC)}
	// Only two calls, because a few wrong passwords lock this machine's address out.
	nobody := func(name string, headers ...string) check {
		deletes := client.DeleteCustomerInfo(r.user, "unregisterDevices=true").With(client.AcceptJSON)
		allows := client.SetTemporaryAllow(r.user, client.Allow{Type: kind}, client.JSON).
			Under(1).With(client.AcceptXML)
		return r.call("operations 1 and 2 refuse "+name, r.challenged("Basic"),
			deletes.With(headers...), allows.With(headers...))
	}
	return []check{
		nobody("a call without Authorization"),
		nobody("a wrong password", client.Basic(r.operator, r.by.Key)),
		nobody("an app's token", "Authorization: Bearer "+r.token),
		r.refusesInBothFormats("an unknown customer ID is a 404",
			client.DeleteCustomerInfo(r.user+"-nobody", "reset=true"), 404, "Customer ID not found"),
		r.refusesInBothFormats("deleting nothing is a 400",
			client.DeleteCustomerInfo(r.user, "reset=false").Under(1), 400, "unregisterDevices"),
		r.refusesInBothFormats("an unknown tempAllowType is a 400",
			client.SetTemporaryAllow(r.user, client.Allow{Type: unknownType}, client.JSON), 400, "tempAllowType"),
		r.refusesInBothFormats("an expirationDate in the past is a 400",
			client.SetTemporaryAllow(r.user, past, client.XML).Under(1), 400, "expirationDate"),
		r.refusesInBothFormats("a method that is not offered is a 405", other, 405, "DELETE"),
		r.refusesInBothFormats("a body in another type is a 415", text, 415, "Content-Type"),
		r.call("an impossible Accept is a 406", tells(client.NotDone(client.JSON, 406, client.Any), "Accept"),
			reset.As(r.operator, r.password).With("Accept: text/html")),
	}
}

// customerRefusals are what operation 3 refuses.
func (r *run) customerRefusals() []check {
	refused := func(name string, changes ...string) check {
		return check{"deleting a customer is refused: " + name, func(ctx context.Context) error {
			sentence, err := r.refusesToDelete(ctx, changes...)
			r.refusals = append(r.refusals, sentence)
			return err
		}}
	}
	var gets []client.Request
	for _, path := range operation.DeleteCustomer.Paths {
		gets = append(gets, client.Request{Method: http.MethodGet, Path: path})
	}
	return []check{
		refused("a wrong key", "user_password", r.secret),
		refused("a wrong user", "user_id", r.operator, "user_password", r.password),
		refused("a foreign account", "account_id", r.otherAccount),
		{"wrong key, wrong user and foreign account get the same words", func(context.Context) error {
			if words := slices.Compact(slices.Clone(r.refusals)); len(words) != 1 {
				return fmt.Errorf("the words are %q", words)
			}
			return nil
		}},
		refused("an unknown code", "code", r.code+"0"),
		// One that leaves nowhere, also where other types are passed on.
		refused("another type", "type", "Customer_Delete"),
		r.call("GET is not offered", r.refusedGet, gets...),
	}
}

// numbersRefusals are what operation 4 refuses.
func (r *run) numbersRefusals() []check {
	cleaning := client.CleanCustomerData(r.number)
	stranger := "Authorization: Bearer " + random(10) + r.token[min(len(r.token), 20):] // in case it has parts
	letIn := func(name string, headers ...string) check {
		return r.call("cleaning is refused: "+name, r.challenged("Bearer"), cleaning.With(headers...))
	}
	refused := func(name string, status int, word string, request client.Request) check {
		return r.call("cleaning is refused: "+name, tells(client.Failed(status, client.Any), word),
			request.Bearer(r.token))
	}
	return []check{
		letIn("no token"),
		letIn("an unknown token", stranger),
		letIn("an operator's password", client.Basic(r.operator, r.password)),
		refused("another app's X-APP-Key", 401, "X-APP-Key", cleaning.With("X-APP-Key: "+r.otherApp)),
		refused("no number", 400, "customNos", client.CleanCustomerData()),
		refused("an empty number", 400, "customNos", client.CleanCustomerData(r.number, "")),
	}
}

// provisionEffects are what operations 1 and 2 do.
func (r *run) provisionEffects() []check {
	kinds := r.allowTypes()
	return []check{
		{"a temporary allow is set, in JSON", func(ctx context.Context) error {
			return r.setsAllow(ctx, kinds[0], 10*time.Minute, client.JSON, 0)
		}},
		{"a temporary allow is set, in XML", func(ctx context.Context) error {
			return r.setsAllow(ctx, kinds[len(kinds)-1], 11*time.Minute, client.XML, 1)
		}},
		{"what the user has is shown, with both allows", func(ctx context.Context) error {
			return r.seesAllows(ctx, kinds[0], kinds[len(kinds)-1])
		}},
		{"an allow lets in", r.usesAllow},
		r.deletesInfo("of three deletions only the first is done: temporary allows are gone", r.user, 1,
			"reset=true&unregisterDevices=true&cancelAllTemporaryAllows=true", "tempAllows"),
		{"no allow lets in any more", r.usesNone},
		r.deletesInfo("devices are gone", r.user, 0, "unregisterDevices=true", "devices"),
		r.deletesInfo("registration, questions, images and phrases are gone", r.user, 0, "reset=TRUE",
			"registration", "questions", "images", "phrases"),
		r.deletesInfo("a customer ID of any characters is found", r.neighbour, 1, "unregisterDevices=true", "devices"),
	}
}

// customerEffects are what operation 3 does.
func (r *run) customerEffects() []check {
	indented := client.Deleted(client.JSON, r.code)
	indented.Body = "{\n  \"status\": \"success\",\n  \"customer\": {\n    \"status\": \"deleted\",\n    \"code\": \"" +
		r.code + "\"\n  }\n}"
	deletion := func(changes ...string) client.Request {
		return client.DeleteCustomer(r.by, r.code, r.form(changes...)...)
	}
	again := func(name string, request client.Request, want client.Expected) check {
		return r.call("the customer is deleted again: "+name, exactly(want), request)
	}
	return []check{
		{"a preview finds what the customer has", r.previews},
		{"a customer who is held is not deleted", r.refusesHeld},
		{"the release erases the customer", r.releases},
		{"a customer is deleted: multipart, XML; a tombstone stands in its place", r.deletesCustomer},
		{"no transaction is left", func(ctx context.Context) error {
			return r.eventuallyStands(ctx, r.customerPlace(r.by.Account, r.code))
		}},
		again("key in the header, JSON",
			deletion("user_password", "wrong", "output", "JSON").With("api_access_key: "+r.by.Key), indented),
		again("urlencoded, condensed JSON",
			deletion("output", "json", "condensed", "yes").Under(1), client.Deleted(client.JSON, r.code)),
		again("JSONP",
			deletion("callback", client.Callback, "condensed", "yes").Under(1), client.Deleted(client.Script, r.code)),
	}
}

// form is changes to the documented form, with what clients send along.
func (r *run) form(changes ...string) []string { return append([]string{"API", "1.6"}, changes...) }

// numbersEffects are what operation 4 does.
func (r *run) numbersEffects() []check {
	return []check{
		{"a number's contacts are to be erased", func(ctx context.Context) error {
			request := client.CleanCustomerData(r.number, r.name, r.number).Bearer(r.token).With("X-APP-Key: " + r.app)
			return r.answers(ctx, func(a client.Answer) error {
				r.cleaned = a.Status == http.StatusOK
				return exactly(client.Cleaned)(a)
			}, request)
		}},
		{"they are gone under every number, and no other", r.contactsGone},
	}
}

// allowTypes is the deployment's enumeration of temporary allows.
func (r *run) allowTypes() (kinds []string) {
	const byDefault = "1=once/24h,2=2h,3=date" // the template's
	for entry := range strings.SplitSeq(cmp.Or(r.Deployment.Parameters["TempAllowTypes"], byDefault), ",") {
		kind, _, _ := strings.Cut(entry, "=")
		kinds = append(kinds, kind)
	}
	return kinds
}

// unknownType is in no enumeration: the parameter's numbers have at most nine digits.
const unknownType = "1000000000"

// unknownPath calls where no route is, in both formats and with an operator's password.
func (r *run) unknownPath(ctx context.Context) error {
	nothing := client.Request{Method: http.MethodPost, Path: "/customercare/v1/nothing"}
	err := r.answers(ctx, r.refusedByGateway(404), nothing.With(client.AcceptJSON), nothing.With(client.AcceptXML))
	if err != nil {
		return err
	}
	return r.answers(ctx, func(a client.Answer) error {
		if a.Status == http.StatusBadRequest {
			// Where there is no route, API Gateway takes Authorization for a signature of
			// its own, and not every fault that it finds in one has an answer that the
			// template can choose.
			r.note("400 with Authorization")
			return r.refusedByGateway(400)(a)
		}
		return r.refusedByGateway(404)(a)
	}, nothing.With(client.AcceptJSON).As(r.operator, r.password))
}

// expired uses the token for a second once that is over.
func (r *run) expired(ctx context.Context) error {
	if r.shortToken == "" {
		return errors.New("there was no token for a second")
	}
	if err := r.wait(ctx, time.Until(r.shortOver)); err != nil {
		return err
	}
	return r.answers(ctx, r.challenged("Bearer"), client.CleanCustomerData(r.number).Bearer(r.shortToken))
}
