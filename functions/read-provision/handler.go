package main

import (
	"context"
	"encoding/xml"
	"errors"
	"time"

	"customercare/shared/digest"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
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
}

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.ReadProvision, Shape: respond.Provision,
		Limit: gateway.SmallBody, About: h.about, Handle: h.handle,
	}
}

// answer is what a user has, in the shape of operations 1 and 2 with more fields.
type answer struct {
	respond.StatusResponse

	Registered bool   `json:"registered" xml:"registered"`
	Questions  int    `json:"questions" xml:"questions"`
	Images     int    `json:"images" xml:"images"`
	Phrases    int    `json:"phrases" xml:"phrases"`
	Devices    int    `json:"devices" xml:"devices"`
	TempAllows allows `json:"tempAllows" xml:"tempAllows"`
}

// allow is a temporary allow that is in force.
type allow struct {
	TempAllowType  int    `json:"tempAllowType" xml:"tempAllowType"`
	ExpirationDate string `json:"expirationDate" xml:"expirationDate"`
	GrantedAt      string `json:"grantedAt,omitempty" xml:"grantedAt,omitempty"`
	SingleUse      bool   `json:"singleUse" xml:"singleUse"`
}

// allows is a list in JSON, and in XML one element with an element tempAllow for each.
type allows []allow

// MarshalXML writes the element also where there are none.
func (a allows) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		All []allow `xml:"tempAllow"`
	}{a}, start)
}

// about notes the user, where the path names one.
func (h handler) about(call *gateway.Call) {
	if id, err := call.PathID("customerId", identifier.MaxLong); err == nil {
		call.Audit.Subject(id, h.digests.Of(digest.Message("user", id)))
	}
}

// handle reads the user with one DynamoDB call, and makes none for a request that is
// refused. The call has no body: one that comes along is passed over, of whatever type.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	customerID, err := call.PathID("customerId", identifier.MaxLong)
	if err != nil {
		return nil, err
	}
	call.Audit.Did = "provision read"
	found, err := h.users.ReadProvision(ctx, customerID, h.types, h.now())
	if errors.Is(err, store.ErrNoUser) {
		return nil, respond.Refuse(respond.NotFound, "Customer ID not found")
	}
	if err != nil {
		return nil, err
	}
	all := allows{}
	for _, one := range found.Allows {
		all = append(all, allow{one.Type, tempallow.Date(one.Expires), tempallow.Date(one.GrantedAt), one.Once})
	}
	return answer{
		StatusResponse: respond.Done, Registered: found.Registered, Questions: found.Questions,
		Images: found.Images, Phrases: found.Phrases, Devices: found.Devices, TempAllows: all,
	}, nil
}
