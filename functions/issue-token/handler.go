package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
)

// Seconds that a token may live when the caller asks for them (docs/contracts.md,
// operation 5).
const (
	minLifetime = 1
	maxLifetime = 3600
)

// lifetime is how many seconds tokens live whose callers name no time: a setting, within
// the same bounds as what callers name.
type lifetime int

// UnmarshalText reads the setting. With its error the function does not start.
func (l *lifetime) UnmarshalText(text []byte) error {
	seconds, err := life([]string{string(text)}, 0)
	if err != nil {
		return errors.New("TOKEN_LIFETIME must be a whole number of seconds from 1 to 3600")
	}
	*l = lifetime(seconds)
	return nil
}

// handler is the operation with what it works on.
type handler struct {
	directory principal.Directory
	tokens    principal.Tokens
	usual     lifetime // of a token whose caller names no time
}

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.IssueToken, Shape: respond.App,
		Limit: gateway.SmallBody, Handle: h.handle,
	}
}

// request is the body: the app's key (AK) and secret (SK).
type request struct {
	AppKey    string `json:"app_key"`
	AppSecret string `json:"app_secret"`
}

// answer is all strings, in the documented order; CreateTime is in Unix seconds, Expires
// in seconds.
type answer struct {
	AccessToken string
	ApplyType   string
	CreateTime  string
	Expires     string
	Scope       string
	AppKey      string
	UserID      string
}

// scope is what a token is good for.
const scope = "clearUserInfo"

// handle gives the app a token in place of its secret.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	asked, err := read(call)
	if err != nil {
		return nil, err
	}
	seconds, err := life(call.Given("X-Token-Expire"), int(h.usual))
	if err != nil {
		return nil, err
	}
	tenant, err := h.directory.App(ctx, call.Source(), asked.AppKey, asked.AppSecret)
	if locked, ok := errors.AsType[*principal.Locked](err); ok {
		return nil, respond.TryLater(locked.For)
	}
	if err == nil || errors.Is(err, principal.ErrNotAllowed) {
		call.Audit.Principal, call.Audit.Did = asked.AppKey, fmt.Sprintf("token issued for %d s", seconds)
	}
	if errors.Is(err, principal.ErrNotLetIn) {
		return nil, respond.Refuse(respond.Unauthorized, "app_key or app_secret is wrong")
	}
	if err != nil {
		return nil, err
	}
	token, created, err := h.tokens.Issue(ctx, asked.AppKey, tenant, time.Duration(seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	return answer{
		AccessToken: token, ApplyType: "Bearer", CreateTime: strconv.FormatInt(created.Unix(), 10),
		Expires: strconv.Itoa(seconds), Scope: scope, AppKey: asked.AppKey, UserID: "Anonymous",
	}, nil
}

// read reads the body, in which both fields must be.
func read(call *gateway.Call) (asked request, err error) {
	if err := call.DecodeJSON(&asked, "app_key", "app_secret"); err != nil {
		return asked, err
	}
	switch {
	case asked.AppKey == "":
		return asked, respond.Refuse(respond.Invalid, "app_key is required")
	case asked.AppSecret == "":
		return asked, respond.Refuse(respond.Invalid, "app_secret is required")
	case !identifier.Sayable(asked.AppKey):
		return asked, respond.Refuse(respond.Invalid, "app_key"+identifier.Unsayable)
	}
	return asked, nil
}

// life reads X-Token-Expire: one whole number of seconds, digits only. Without it a token
// lives for usual seconds.
func life(values []string, usual int) (int, error) {
	if len(values) == 0 {
		return usual, nil
	}
	text := strings.TrimSpace(values[0])
	seconds, err := strconv.ParseUint(text, 10, 16)
	if len(values) > 1 || err != nil || seconds < minLifetime || seconds > maxLifetime {
		return 0, respond.Refuse(respond.Invalid,
			"X-Token-Expire must be a whole number of seconds from 1 to 3600")
	}
	return int(seconds), nil
}
