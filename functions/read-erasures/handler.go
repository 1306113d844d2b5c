package main

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"customercare/shared/caller"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// handler is the calls about erasures with what they work on.
type handler struct {
	door   caller.Door
	ledger store.Erasures
	index  string // of the ledger's records that hold something that is not sealed
	log    store.Log
	keys   *keys
}

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.ReadErasures, Shape: respond.Problems,
		Limit: gateway.SmallBody, Handle: h.handle,
	}
}

// The media types of answers and bodies.
const (
	inJSON  = "application/json"
	inPlain = "text/plain"
)

// read is one of the calls: who asks is authenticated by then.
type read struct {
	media  string // of the answer
	answer func(context.Context, *gateway.Call, principal.Reader) (any, error)
}

func (h handler) calls() map[operation.Route]read {
	return map[operation.Route]read{
		operation.ReadErasure:    {inJSON, h.erasure},
		operation.ReadSubjects:   {inJSON, h.subjects},
		operation.ReadReceipt:    {inPlain, h.receipt},
		operation.ReadReceiptFor: {inPlain, h.receiptFor},
		operation.ListErasures:   {inJSON, h.list},
		operation.ReadCheckpoint: {inPlain, h.checkpoint},
		operation.ReadLogKey:     {inPlain, h.logKey},
	}
}

// handle refuses what needs no caller to be known, and then lets the caller in.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	route := operation.Route{Method: call.Method, Path: call.Resource()}
	read, offered := h.calls()[route]
	if !offered {
		return nil, notOffered(route.Path)
	}
	if err := respond.Accept(call.Header, read.media); err != nil {
		return nil, err
	}
	if route.Method == http.MethodPost {
		if _, err := call.BodyType(inJSON); err != nil {
			return nil, err
		}
	}
	reader, err := h.door.LetIn(ctx, call, scope(route.Path))
	if err != nil {
		return nil, err
	}
	return read.answer(ctx, call, reader)
}

// notOffered is the refusal of a method that no call of this path has.
func notOffered(path string) error {
	var methods []string
	for _, route := range operation.ReadErasures.Calls {
		if route.Path == path {
			methods = append(methods, route.Method)
		}
	}
	if len(methods) == 0 {
		return errNotFound
	}
	slices.Sort(methods)
	return &respond.Error{
		Kind:     respond.MethodNotAllowed,
		Sentence: "The method is not offered here, only " + strings.Join(methods, " and "),
		Header:   http.Header{"Allow": {strings.Join(methods, ", ")}},
	}
}

// errNotFound is the one answer for an erasure that the caller may not see, for one that
// there is not, and for an id of another form.
var errNotFound = respond.Refuse(respond.NotFound, "There is no such erasure")

// scope is what an operator needs for a call: that for what is about erasures, and none
// for the log's checkpoint and key, which are for everybody who is let in.
func scope(path string) string {
	if path == operation.ReadCheckpoint.Path || path == operation.ReadLogKey.Path {
		return ""
	}
	return operation.ReadErasures.Name
}
