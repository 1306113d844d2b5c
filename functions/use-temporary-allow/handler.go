package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"customercare/shared/digest"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/media"
	"customercare/shared/operation"
	"customercare/shared/respond"
	"customercare/shared/store"
	"customercare/shared/tempallow"
)

// handler is the call with what it works on.
type handler struct {
	users   store.Users
	digests digest.Digester  // of users, in audit lines
	types   store.AllowTypes // of the allows that count
	now     func() time.Time
	token   func() string // a new one for each call, by which it knows its own use
}

// bodyLimit is the largest body in bytes. There is nothing to say in one.
const bodyLimit = 1 << 10

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.UseTemporaryAllow, Shape: respond.Provision,
		Limit: bodyLimit, About: h.about, Handle: h.handle,
	}
}

// answer says whether the user is let in, in the shape of operations 1 and 2 with more
// fields. The last three are those of the allow; they are left out where none is in
// force.
type answer struct {
	respond.StatusResponse

	Allowed        bool   `json:"allowed" xml:"allowed"`
	TempAllowType  *int   `json:"tempAllowType,omitempty" xml:"tempAllowType,omitempty"`
	ExpirationDate string `json:"expirationDate,omitempty" xml:"expirationDate,omitempty"`
	SingleUse      *bool  `json:"singleUse,omitempty" xml:"singleUse,omitempty"`
}

// errOtherMethod is the answer to every method that the path does not offer, all of which
// the template sends here.
var errOtherMethod error = &respond.Error{
	Kind:     respond.MethodNotAllowed,
	Sentence: "The method is not offered here, only POST is",
	Header:   http.Header{"Allow": {"POST"}},
}

// about notes the user, where the path names one.
func (h handler) about(call *gateway.Call) {
	if id, err := call.PathID("customerId", identifier.MaxLong); err == nil {
		call.Audit.Subject(id, h.digests.Of(digest.Message("user", id)))
	}
}

// handle asks and uses with one DynamoDB call, and makes none for a request that is
// refused.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	if call.Method != operation.UseTemporaryAllow.Method {
		return nil, errOtherMethod
	}
	customerID, err := call.PathID("customerId", identifier.MaxLong)
	if err != nil {
		return nil, err
	}
	if !saysNothing(call.Body) {
		return nil, respond.Refuse(respond.Invalid, "The request body must be empty, or an empty JSON object")
	}
	call.Audit.Did = "use of an allow"
	used, in, err := h.users.UseTempAllow(ctx, customerID, h.types, h.now(), h.token())
	switch {
	case errors.Is(err, store.ErrNoUser):
		return nil, respond.Refuse(respond.NotFound, "Customer ID not found")
	case err != nil:
		return nil, err
	case !in:
		call.Audit.Did = "no allow in force"
		return answer{StatusResponse: respond.Done}, nil
	}
	until := tempallow.Date(used.Expires)
	call.Audit.Did = fmt.Sprintf("allow %d in force until %s", used.Type, until)
	if used.Once {
		call.Audit.Did = fmt.Sprintf("allow %d used up", used.Type)
	}
	return answer{
		StatusResponse: respond.Done, Allowed: true,
		TempAllowType: &used.Type, ExpirationDate: until, SingleUse: &used.Once,
	}, nil
}

// saysNothing says whether a body is empty, white space, or a JSON object without
// anything in it, which some clients send in place of none. Anything else may ask for
// something that this call does not do, such as one type among several.
func saysNothing(body []byte) bool {
	text, _ := media.Text(body)
	const space = " \t\r\n"
	if text = bytes.Trim(text, space); len(text) == 0 {
		return true
	}
	inside, opened := bytes.CutPrefix(text, []byte("{"))
	inside, closed := bytes.CutSuffix(inside, []byte("}"))
	return opened && closed && len(bytes.Trim(inside, space)) == 0
}
