package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"customercare/shared/caller"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// handler is the calls about holds with what they work on.
type handler struct {
	door    caller.Door
	holder  erasure.Holder
	holds   store.Holds
	index   string // of the holds that are not released
	digests digest.Digester
	now     func() time.Time
}

const inJSON = "application/json"

// workFor is how long a call marks contacts. API Gateway waits for 29 seconds.
const workFor = 15 * time.Second

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.HoldErasures, Shape: respond.Problems,
		Limit: gateway.SmallBody, Handle: h.handle,
	}
}

// handle refuses what needs no caller to be known, and then lets the caller in. Holds are
// placed and released by operators alone: who may ask for an erasure is not who decides
// what must be kept.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	answer := map[operation.Route]func(context.Context, *gateway.Call, principal.Reader) (any, error){
		operation.PlaceHold: h.place, operation.ReadHold: h.read,
		operation.ReleaseHold: h.release, operation.ListHolds: h.list,
	}[operation.Route{Method: call.Method, Path: call.Resource()}]
	if answer == nil {
		return nil, notOffered(call.Resource())
	}
	if err := respond.Accept(call.Header, inJSON); err != nil {
		return nil, err
	}
	if call.Method == http.MethodPut {
		if _, err := call.BodyType(inJSON); err != nil {
			return nil, err
		}
	}
	reader, err := h.door.LetIn(ctx, call, operation.HoldErasures.Name)
	if err == nil && reader.Kind != operation.Operator {
		err = caller.ErrForbidden
	}
	if err != nil {
		return nil, err
	}
	return answer(ctx, call, reader)
}

// notOffered is the refusal of a method that no call of this path has.
func notOffered(path string) error {
	var methods []string
	for _, route := range operation.HoldErasures.Calls {
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
		Sentence: "The method is not offered here, only " + strings.Join(methods, ", "),
		Header:   http.Header{"Allow": {strings.Join(methods, ", ")}},
	}
}

// errNotFound is the answer for an id that no hold has, and for one that none could have.
var errNotFound = respond.Refuse(respond.NotFound, "There is no such hold")

// read answers GET /holds/{id}.
func (h handler) read(ctx context.Context, call *gateway.Call, _ principal.Reader) (any, error) {
	id, err := readID(call)
	if err != nil {
		return nil, errNotFound
	}
	hold, err := h.holds.Read(ctx, id)
	if errors.Is(err, store.ErrNoHold) {
		return nil, errNotFound
	}
	return answerOf(hold), err
}

// release answers DELETE /holds/{id}: nothing is held by it any more. What was asked for
// meanwhile cleanup erases.
func (h handler) release(ctx context.Context, call *gateway.Call, reader principal.Reader) (any, error) {
	id, err := readID(call)
	if err != nil {
		return nil, errNotFound
	}
	call.Audit.Principal, call.Audit.Kind = reader.Name, reader.Kind
	call.Audit.Did = "hold " + id + " released"
	hold, err := h.holder.Release(ctx, id, reader.Name)
	if errors.Is(err, store.ErrNoHold) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, err
	}
	if hold.Status == store.Releasing {
		call.Status = http.StatusAccepted
	}
	return answerOf(hold), nil
}

// maxListed is how many holds one list has.
const maxListed = 1000

// list answers GET /holds: those that are not released, the first that end first.
func (h handler) list(ctx context.Context, _ *gateway.Call, _ principal.Reader) (any, error) {
	holds, more, err := h.holds.ListStanding(ctx, h.index, maxListed)
	answer := listAnswer{Holds: []holdAnswer{}, More: more}
	for _, hold := range holds {
		answer.Holds = append(answer.Holds, answerOf(hold))
	}
	return answer, err
}
