package client

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/url"
	"strings"
	"time"

	"customercare/shared/operation"
)

// The media types of requests and answers.
const (
	JSON   = "application/json"
	XML    = "application/xml"
	Script = "application/javascript" // JSONP, an answer of operation 3 only
)

// Headers that most calls need.
const (
	BodyJSON   = "Content-Type: " + JSON
	BodyXML    = "Content-Type: " + XML
	BodyForm   = "Content-Type: application/x-www-form-urlencoded"
	AcceptJSON = "Accept: " + JSON
	AcceptXML  = "Accept: " + XML
)

// Basic is the header with which an operator logs in.
func Basic(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// DeleteCustomerInfo is a call of operation 1, without a caller (Request.As). The query
// is one of the three deletions, "reset=true". The customer ID may have any characters.
func DeleteCustomerInfo(customerID, query string) Request {
	r := newRequest(operation.DeleteCustomerInfo, customerID, "")
	r.Path += "?" + query
	return r
}

// Allow is what operation 2 sets.
type Allow struct {
	Type    string    // one of the deployment's numbers: "1"
	Expires time.Time // sent in UTC with milliseconds; zero: left out
}

// SetTemporaryAllow is a call of operation 2, without a caller (Request.As). The media
// type is JSON or XML.
func SetTemporaryAllow(customerID string, allow Allow, media string) Request {
	inJSON, inXML := "", "" // the field of the date
	if !allow.Expires.IsZero() {
		date := allow.Expires.UTC().Format("2006-01-02T15:04:05.000Z")
		inJSON, inXML = `,"expirationDate":"`+date+`"`, "<expirationDate>"+date+"</expirationDate>"
	}
	body := `{"tempAllowType":` + allow.Type + inJSON + "}"
	if media == XML {
		body = `<?xml version="1.0" encoding="UTF-8" ?><TempAllowRequest><tempAllowType>` + allow.Type +
			"</tempAllowType>" + inXML + "</TempAllowRequest>"
	}
	return newRequest(operation.SetTemporaryAllow, customerID, body, "Content-Type: "+media)
}

// ReadProvision is the call that shows what a user has, without a caller (Request.As).
func ReadProvision(customerID string) Request {
	return newRequest(operation.ReadProvision, customerID, "")
}

// UseTemporaryAllow is the call that uses a temporary allow, without a caller
// (Request.As).
func UseTemporaryAllow(customerID string) Request {
	return newRequest(operation.UseTemporaryAllow, customerID, "")
}

// APIUser is who calls operation 3, and for which account.
type APIUser struct{ Name, Key, Account string }

// Form is the form of operation 3 that deletes the customer with this code. Changes are
// pairs of name and value: Form(by, code, "output", "JSON").
func Form(by APIUser, code string, changes ...string) url.Values {
	form := url.Values{
		"user_id": {by.Name}, "user_password": {by.Key}, "account_id": {by.Account},
		"type": {"customer_delete"}, "code": {code},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

// DeleteCustomer is a call of operation 3 with the form (see Form) urlencoded.
func DeleteCustomer(by APIUser, code string, changes ...string) Request {
	return newRequest(operation.DeleteCustomer, "", Form(by, code, changes...).Encode(), BodyForm)
}

// DeleteCustomerInParts is a call of operation 3 with the form as multipart/form-data,
// which is how PHP's curl sends an array.
func DeleteCustomerInParts(by APIUser, code string, changes ...string) Request {
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	form := Form(by, code, changes...)
	for name := range form {
		_ = parts.WriteField(name, form.Get(name)) // into memory: it cannot fail
	}
	_ = parts.Close()
	return newRequest(operation.DeleteCustomer, "", body.String(), "Content-Type: "+parts.FormDataContentType())
}

// CleanCustomerData is a call of operation 4, without a token (Request.Bearer).
func CleanCustomerData(numbers ...string) Request {
	body := `{"customNos":[]}`
	if len(numbers) > 0 {
		body = encode(map[string][]string{"customNos": numbers})
	}
	return newRequest(operation.CleanCustomerData, "", body, BodyJSON)
}

// IssueToken is a call of operation 5.
func IssueToken(name, secret string) Request {
	body := encode(map[string]string{"app_key": name, "app_secret": secret})
	return newRequest(operation.IssueToken, "", body, BodyJSON)
}

// Read is a call about an erasure, or about the log, by one of the routes of
// operation.ReadErasures that have no body. It is without a caller (Request.As for an
// operator or an API user, Request.Bearer for an app). id is "" where the route has none.
func Read(route operation.Route, id string) Request {
	path := strings.Replace(route.Path, "{id}", url.PathEscape(id), 1)
	return Request{Operation: operation.ReadErasures, Method: route.Method, Path: path}
}

// ReadSubjects asks what became of subjects of an erasure, without a caller.
func ReadSubjects(id string, subjects ...string) Request {
	r := Read(operation.ReadSubjects, id).With(BodyJSON)
	r.Body = encode(map[string][]string{"subjects": subjects})
	return r
}

// ReadReceiptFor asks for the receipt of one subject of an erasure, without a caller.
func ReadReceiptFor(id, subject string) Request {
	r := Read(operation.ReadReceiptFor, id).With(BodyJSON)
	r.Body = encode(map[string]string{"subject": subject})
	return r
}

// PreviewCustomer asks what the erasure of a customer would find, without a caller.
func PreviewCustomer(account, code string) Request {
	return preview("customer", map[string]any{"accountId": account, "code": code})
}

// PreviewNumbers asks what the erasure of numbers would find, without a caller.
func PreviewNumbers(tenant string, numbers ...string) Request {
	return preview("numbers", map[string]any{"tenantId": tenant, "customNos": numbers})
}

func preview(what string, of map[string]any) Request {
	return Request{
		Operation: operation.PreviewErasures, Method: operation.PreviewErasure.Method,
		Path: operation.PreviewErasure.Path, Body: encode(map[string]any{what: of}), Headers: []string{BodyJSON},
	}
}

// PlaceHold holds a customer until a time (zero: until it is released), without a caller.
func PlaceHold(id, account, code, reason string, until time.Time) Request {
	return placeHold(id, "customer", map[string]any{"accountId": account, "code": code}, reason, until)
}

// PlaceHoldOfNumber is PlaceHold of a number of a tenant.
func PlaceHoldOfNumber(id, tenant, number, reason string, until time.Time) Request {
	return placeHold(id, "number", map[string]any{"tenantId": tenant, "customNo": number}, reason, until)
}

func placeHold(id, kind string, subject map[string]any, reason string, until time.Time) Request {
	r := hold(operation.PlaceHold, id)
	body := map[string]any{kind: subject, "reason": reason}
	if !until.IsZero() {
		body["until"] = until.UTC().Format(time.RFC3339)
	}
	r.Body = encode(body)
	r.Headers = []string{BodyJSON}
	return r
}

// ReleaseHold releases a hold, ReadHold shows it, without a caller.
func ReleaseHold(id string) Request { return hold(operation.ReleaseHold, id) }

// ReadHold is described at ReleaseHold.
func ReadHold(id string) Request { return hold(operation.ReadHold, id) }

func hold(route operation.Route, id string) Request {
	return Request{
		Operation: operation.HoldErasures, Method: route.Method, Path: strings.Replace(route.Path, "{id}", id, 1),
	}
}

func newRequest(of operation.Operation, customerID, body string, headers ...string) Request {
	path := strings.Replace(of.Paths[0], "{customerId}", url.PathEscape(customerID), 1)
	return Request{Operation: of, Method: of.Method, Path: path, Headers: headers, Body: body}
}

func encode(texts any) string {
	body, err := json.Marshal(texts)
	if err != nil {
		panic(err) // maps and lists of texts: it cannot fail
	}
	return string(body)
}
