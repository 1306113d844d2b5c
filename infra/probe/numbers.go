package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"customercare/shared/store"
)

// Operations 4 and 5, clean customer personal data and token by AK/SK.

const (
	tokenPath = "/apigovernance/api/oauth/tokenByAkSk"
	cleanPath = "/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"

	bearerChallenge = `Bearer realm="customercare"`
)

var failureShape = regexp.MustCompile(`^\{"retCode":"(\d{3})","retMsg":"((?:[^"\\]|\\.)+)"\}$`)

// failed checks that an answer is a function's failure of operations 4 and 5.
func (a answer) failed(status int, word string) error {
	groups, err := a.matches(status, jsonType, failureShape)
	if err == nil && (groups[1] != strconv.Itoa(status) || !strings.Contains(groups[2], word)) {
		err = fmt.Errorf("got %s, want the code %d and a sentence with %s", a, status, word)
	}
	return err
}

func credentials(key, secret string) string {
	body, _ := json.Marshal(map[string]string{"app_key": key, "app_secret": secret}) // two texts: it cannot fail
	return string(body)
}

func (p *probe) tokenChecks() []check {
	return []check{
		{"an app gets a token", func(ctx context.Context) (err error) {
			p.token, err = p.asksForToken(ctx, "600")
			return err
		}, false},
		{"an app gets a token for a second", func(ctx context.Context) (err error) {
			p.short.value, err = p.asksForToken(ctx, "1", "X-Token-Expire: 1")
			p.short.over = time.Now().Add(2 * time.Second) // its second, and what it began within
			return err
		}, false},
		{"a wrong app_secret is refused", func(ctx context.Context) error {
			a, err := p.send(ctx, "POST", tokenPath, credentials(p.app, p.key), bodyJSON)
			if err != nil {
				return err
			}
			return a.failed(401, "app_secret")
		}, false},
		{"a missing app_secret is a 400", func(ctx context.Context) error {
			a, err := p.send(ctx, "POST", tokenPath, `{"app_key":"`+p.app+`"}`, bodyJSON)
			if err != nil {
				return err
			}
			return a.failed(400, "app_secret")
		}, false},
	}
}

// farOff is how far the clocks of the stack and of this machine may lie apart.
const farOff = 5 * time.Minute

// shortToken is one that was asked to end soon.
type shortToken struct {
	value string
	over  time.Time // it is expired for every clock of the system
}

func (p *probe) asksForToken(ctx context.Context, expires string, headers ...string) (string, error) {
	a, err := p.send(ctx, "POST", tokenPath, credentials(p.app, p.secret), append(headers, bodyJSON)...)
	if err != nil {
		return "", err
	}
	shape := regexp.MustCompile(`^\{"AccessToken":"([^"]{32,})","ApplyType":"Bearer","CreateTime":"(\d+)","Expires":"` + expires +
		`","Scope":"[^"]+","AppKey":"` + regexp.QuoteMeta(p.app) + `","UserID":"Anonymous"\}$`)
	groups, err := a.matches(200, jsonType, shape)
	if err != nil {
		return "", err
	}
	created, _ := strconv.ParseInt(groups[2], 10, 64)
	if off := time.Since(time.Unix(created, 0)).Abs(); off > farOff {
		return "", fmt.Errorf("CreateTime is %s off", off)
	}
	return groups[1], nil
}

// cleans is the body that asks for the erasure of these numbers' contacts.
func cleans(numbers ...string) string {
	body, _ := json.Marshal(map[string][]string{"customNos": numbers}) // texts: it cannot fail
	return string(body)
}

func (p *probe) numbersRefusals() []check {
	notLetIn := func(name string, header func() string) check {
		return check{"cleaning is refused: " + name, func(ctx context.Context) error { return p.cleaningRefused(ctx, header()) }, false}
	}
	failed := func(name string, status int, word string, body func() string, headers ...string) check {
		return check{"cleaning is refused: " + name, func(ctx context.Context) error {
			a, err := p.send(ctx, "POST", cleanPath, body(), append(headers, "Authorization: Bearer "+p.token, bodyJSON)...)
			if err != nil {
				return err
			}
			return a.failed(status, word)
		}, false}
	}
	good := func() string { return cleans(p.caller) }
	return []check{
		notLetIn("no token", func() string { return "X-No: authorization" }),
		notLetIn("an unknown token", func() string { // ours with another beginning, in case it has parts
			return "Authorization: Bearer " + random(10) + p.token[min(len(p.token), 20):]
		}),
		notLetIn("an operator's password", p.csr),
		failed("another app's X-APP-Key", 401, "X-APP-Key", good, "X-APP-Key: "+p.otherApp),
		failed("no number", 400, "customNos", func() string { return cleans() }),
		failed("an empty number", 400, "customNos", func() string { return cleans(p.caller, "") }),
	}
}

func (p *probe) cleaningRefused(ctx context.Context, header string) error {
	a, err := p.send(ctx, "POST", cleanPath, cleans(p.caller), header, bodyJSON)
	if err == nil {
		err = p.fromGateway(a, 401)
	}
	if err == nil {
		err = p.challenged(a, bearerChallenge)
	}
	return err
}

func (p *probe) expired(ctx context.Context) error {
	if p.short.value == "" {
		return errors.New("there was no token for a second")
	}
	if err := p.wait(ctx, time.Until(p.short.over)); err != nil {
		return err
	}
	return p.cleaningRefused(ctx, "Authorization: Bearer "+p.short.value)
}

func (p *probe) numbersEffects() []check {
	return []check{
		{"a number's contacts are to be erased", func(ctx context.Context) error {
			a, err := p.send(ctx, "POST", cleanPath, cleans(p.caller, p.run, p.caller),
				"Authorization: Bearer "+p.token, "X-APP-Key: "+p.app, bodyJSON)
			if err != nil {
				return err
			}
			p.cleaned = a.status == 200
			return a.is(200, jsonType, `{"retCode":"0","retMsg":"VerifyParams success"}`)
		}, false},
		{"they are gone under every number, and no other", p.contactsGone, false},
	}
}

// contactsGone waits until the two contacts of our caller are gone, as the one and as the other party; the stranger's stays
// under the number that it shares with them, and so does the other tenant's under the same numbers.
func (p *probe) contactsGone(ctx context.Context) error {
	contacts := p.Deployment.Tables.Contacts
	for _, number := range []string{p.caller, p.called, p.shared} {
		at := place{contacts, "party", store.PartyKey(p.tenant, number)}
		var kept []item
		for _, i := range p.want[at] {
			if textOf(i, "contact") == store.ContactKey(recordsAreFrom, "c3") {
				kept = append(kept, i)
			}
		}
		p.want[at] = kept
		if err := p.eventually(ctx, func(ctx context.Context) error { return p.stands(ctx, at) }); err != nil {
			return err
		}
	}
	return nil
}
