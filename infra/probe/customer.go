package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Operation 3, delete a customer.

var (
	sorryXML  = regexp.MustCompile(`^` + regexp.QuoteMeta(xmlHead) + `\s*<response status="error"><error>([^<>]+)</error></response>$`)
	sorryJSON = regexp.MustCompile(`^\{"status":"error","error":"((?:[^"\\]|\\.)+)"\}$`)
)

const urlencoded = "Content-Type: application/x-www-form-urlencoded"

// form is the documented form for our customer, changed by pairs of name and value.
func (p *probe) form(changes ...string) url.Values {
	form := url.Values{
		"user_id": {p.apiUser}, "user_password": {p.key}, "type": {"customer_delete"}, "account_id": {p.account}, "code": {p.code},
		"API": {"1.6"}, // which clients send along
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

// parts is a form as PHP's curl sends an array.
func parts(form url.Values) (body, header string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name := range form {
		_ = w.WriteField(name, form.Get(name)) // into memory: it cannot fail
	}
	_ = w.Close()
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

func (p *probe) customerRefusals() []check {
	refusal := func(name string, changes ...string) check {
		return check{"deleting a customer is refused: " + name, func(ctx context.Context) error {
			_, err := p.refusesToDelete(ctx, changes...)
			return err
		}, false}
	}
	caller := func(name string, changes ...string) check {
		return check{"deleting a customer is refused: " + name, func(ctx context.Context) error {
			sentence, err := p.refusesToDelete(ctx, changes...)
			p.refusals = append(p.refusals, sentence)
			return err
		}, false}
	}
	return []check{
		caller("a wrong key", "user_password", p.secret),
		caller("a wrong user", "user_id", p.operator, "user_password", p.password),
		caller("a foreign account", "account_id", p.otherAccount),
		{"wrong key, wrong user and foreign account get the same words", func(context.Context) error {
			if words := slices.Compact(slices.Clone(p.refusals)); len(words) != 1 {
				return fmt.Errorf("the words are %q", words)
			}
			return nil
		}, false},
		refusal("an unknown code", "code", p.code+"0"),
		refusal("another type", "type", "customer_add"),
		{"GET is not offered", func(ctx context.Context) error {
			for _, path := range []string{"/", "/api.php"} {
				a, err := p.send(ctx, "GET", path, "")
				if err != nil {
					return err
				}
				if err := p.fromGateway(a, 404); err != nil {
					return err
				}
			}
			return nil
		}, false},
	}
}

// refusesToDelete checks that a form is refused in XML and in JSON, with HTTP status 200, and returns the sentence.
func (p *probe) refusesToDelete(ctx context.Context, changes ...string) (string, error) {
	a, err := p.send(ctx, "POST", "/", p.form(changes...).Encode(), urlencoded)
	if err != nil {
		return "", err
	}
	inXML, err := a.matches(200, xmlType, sorryXML)
	if err != nil {
		return "", err
	}
	body, header := parts(p.form(append(changes, "output", "json", "condensed", "yes")...))
	if a, err = p.send(ctx, "POST", "/api.php", body, header); err != nil {
		return "", err
	}
	inJSON, err := a.matches(200, jsonType, sorryJSON)
	if err != nil {
		return "", err
	}
	if inXML[1] != inJSON[1] {
		return "", fmt.Errorf("%q in XML, %q in JSON", inXML[1], inJSON[1])
	}
	return inXML[1], nil
}

func (p *probe) customerEffects() []check {
	condensed := `{"status":"success","customer":{"status":"deleted","code":"` + p.code + `"}}`
	indented := "{\n  \"status\": \"success\",\n  \"customer\": {\n    \"status\": \"deleted\",\n    \"code\": \"" + p.code + "\"\n  }\n}"
	again := func(name, path, mediaType, want string, header string, changes ...string) check {
		return check{"the customer is deleted again: " + name, func(ctx context.Context) error {
			headers := []string{urlencoded}
			if header != "" {
				headers = append(headers, header)
			}
			a, err := p.send(ctx, "POST", path, p.form(changes...).Encode(), headers...)
			if err != nil {
				return err
			}
			return a.is(200, mediaType, want)
		}, false}
	}
	return []check{
		{"a customer is deleted: multipart, XML; a tombstone stands in its place", p.deletesCustomer, false},
		{"no transaction is left", func(ctx context.Context) error {
			return p.eventually(ctx, func(ctx context.Context) error { return p.stands(ctx, p.customerPlace()) })
		}, false},
		again("key in the header, JSON", "/api.php", jsonType, indented, "api_access_key: "+p.key, "user_password", "wrong", "output", "JSON"),
		again("urlencoded, condensed JSON", "/", jsonType, condensed, "", "output", "json", "condensed", "yes"),
		again("JSONP", "/", scriptType, "/**/cb("+condensed+");", "", "callback", "cb", "condensed", "yes"),
	}
}

// deletesCustomer deletes our customer, and looks at once: from the answer on nobody may read the customer any more, which
// the tombstone of an open job that is ours sees to. The transactions may go in the background.
func (p *probe) deletesCustomer(ctx context.Context) error {
	body, header := parts(p.form())
	began := time.Now()
	a, err := p.send(ctx, "POST", "/", body, header)
	if err != nil {
		return err
	}
	if err := a.is(200, xmlType, xmlHead+"\n"+`<response status="success"><customer status="deleted"><code>`+p.code+`</code></customer></response>`); err != nil {
		return err
	}
	p.want[p.customerPlace()] = nil
	left, err := p.read(ctx, p.customerPlace())
	if err != nil {
		return err
	}
	for _, i := range left {
		switch {
		case textOf(i, "record") != "customer":
		case !isTombstone(i):
			return errors.New("the customer was said to be deleted, and still stands")
		default:
			return p.jobIsOpen(ctx, textOf(i, "tombstone"), began)
		}
	}
	if time.Since(began) > shortestJob {
		p.note("its job has ended already")
		return nil
	}
	return errors.New("the customer is gone, but no tombstone keeps late writers from bringing it back")
}

// shortestJob is less than any job lasts: a deployment may have a WriterLifetime of seconds.
const shortestJob = time.Second

// jobIsOpen looks into the ledger for the tombstone's job.
func (p *probe) jobIsOpen(ctx context.Context, key string, began time.Time) error {
	out, err := p.Deployment.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &p.Deployment.Tables.Erasures, ConsistentRead: aws.Bool(true), Key: item{"erasureId": text(key)},
	})
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", p.Deployment.Tables.Erasures, err)
	}
	if out.Item == nil && time.Since(began) > shortestJob {
		p.note("its job has ended already")
		return nil
	}
	if textOf(out.Item, "state") != "open" || textOf(out.Item, "scope") != p.account || textOf(out.Item, "requestedBy") != p.apiUser {
		return errors.New("the tombstone's job is not in the ledger: open, of our account, asked for by our user")
	}
	return nil
}
