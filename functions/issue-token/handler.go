package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/principal"
	"customercare/shared/respond"
)

// Seconds that a token may live when the caller asks for them (contracts, operation 5).
const (
	shortest = 1
	longest  = 3600
)

// lifetime is how many seconds tokens live whose callers name no time: a setting, bounded
// as what callers name.
type lifetime int

// UnmarshalText ends the start with its error where the setting is none of these times.
func (l *lifetime) UnmarshalText(text []byte) error {
	seconds, refusal := life([]string{string(text)}, 0)
	if refusal != nil {
		return errors.New("TOKEN_LIFETIME must be a whole number of seconds from 1 to 3600")
	}
	*l = lifetime(seconds)
	return nil
}

// scope is what a token is good for.
const scope = "clearUserInfo"

// request is the body: the app's key (AK) and secret (SK).
type request struct {
	AppKey    string `json:"app_key"`
	AppSecret string `json:"app_secret"`
}

// answer is all strings, in the documented order; CreateTime is in Unix seconds, Expires in seconds.
type answer struct {
	AccessToken string
	ApplyType   string
	CreateTime  string
	Expires     string
	Scope       string
	AppKey      string
	UserID      string
}

// endpoint issues tokens that live for usual seconds when the caller asks for nothing.
func endpoint(directory principal.Directory, usual int) gateway.Endpoint {
	return gateway.Endpoint{
		Name: "issue-token", Limit: 64 << 10, Shape: respond.App,
		Handle: func(ctx context.Context, call *gateway.Call) (any, error) { return issue(ctx, directory, usual, call) },
	}
}

func issue(ctx context.Context, directory principal.Directory, usual int, call *gateway.Call) (any, error) {
	var asked request
	if refusal := call.DecodeJSON(&asked, "app_key", "app_secret"); refusal != nil {
		return nil, refusal
	}
	if asked.AppKey == "" {
		return nil, respond.Refuse(respond.Invalid, "app_key is required")
	}
	if asked.AppSecret == "" {
		return nil, respond.Refuse(respond.Invalid, "app_secret is required")
	}
	if !identifier.Sayable(asked.AppKey) {
		return nil, respond.Refuse(respond.Invalid, "app_key"+identifier.Unsayable)
	}
	seconds, refusal := life(call.Given("X-Token-Expire"), usual)
	if refusal != nil {
		return nil, refusal
	}
	tenant, err := directory.App(ctx, call.Source(), asked.AppKey, asked.AppSecret)
	if locked, ok := errors.AsType[*principal.Locked](err); ok {
		return nil, respond.TryLater(locked.For)
	}
	if errors.Is(err, principal.ErrRefused) {
		return nil, respond.Refuse(respond.Unauthorized, "app_key or app_secret is wrong")
	}
	if err != nil {
		return nil, err
	}
	token, created, err := directory.IssueToken(ctx, asked.AppKey, tenant, time.Duration(seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	return answer{
		AccessToken: token, ApplyType: "Bearer", CreateTime: strconv.FormatInt(created.Unix(), 10),
		Expires: strconv.Itoa(seconds), Scope: scope, AppKey: asked.AppKey, UserID: "Anonymous",
	}, nil
}

// life reads X-Token-Expire: one whole number of seconds, digits only. Without it a token lives for usual seconds.
func life(values []string, usual int) (int, *respond.Error) {
	if len(values) == 0 {
		return usual, nil
	}
	text := strings.TrimSpace(values[0])
	seconds, err := strconv.ParseUint(text, 10, 16)
	if len(values) > 1 || err != nil || seconds < shortest || seconds > longest {
		return 0, respond.Refuse(respond.Invalid, "X-Token-Expire must be a whole number of seconds from 1 to 3600")
	}
	return int(seconds), nil
}
