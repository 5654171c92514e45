// Package managed gives the console toolset to agents that Anthropic's platform
// runs and that work in an environment of yours: a worker of the SDK takes their
// sessions, and every session gets a workspace of its own.
//
//	agent, err := client.Beta.Agents.New(ctx, anthropic.BetaAgentNewParams{…, Tools: managed.Custom(hutchtools.Tools(b, nil))})
//	…
//	worker := environments.NewEnvironmentWorker(client, environments.EnvironmentWorkerOptions{…,
//		ToolsFunc: managed.ToolsFunc(func(*agenttoolset.AgentToolContext) (hutch.Backend, error) { return local.Open(dir(), nil) }, nil)})
//	err = worker.Run(ctx)
//
// An agent knows the tools that it was made with: make it with [Custom], of tools
// with the same options and of a backend that can do the same. The platform's own
// toolset (bash, read, write, …) is another one, and not served here.
package managed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/tools/agenttoolset"
	"github.com/hutch-dev/hutch"
	hutchtools "github.com/hutch-dev/hutch/adapters/anthropic"
	"github.com/hutch-dev/hutch/tool"
)

// Custom describes tools for an agent of the platform, as custom tools. It panics
// for one whose input schema is no JSON.
func Custom(tools []anthropic.BetaTool) []anthropic.BetaAgentNewParamsToolUnion {
	var all []anthropic.BetaAgentNewParamsToolUnion
	for _, t := range tools {
		schema, err := customSchema(t.InputSchema())
		if err != nil {
			panic(fmt.Sprintf("managed: the input schema of tool %q: %v", t.Name(), err))
		}
		all = append(all, anthropic.BetaAgentNewParamsToolUnion{OfCustom: &anthropic.BetaManagedAgentsCustomToolParams{
			Type: anthropic.BetaManagedAgentsCustomToolParamsTypeCustom,
			Name: t.Name(), Description: t.Description(), InputSchema: schema,
		}})
	}
	return all
}

func customSchema(s anthropic.BetaToolInputSchemaParam) (anthropic.BetaManagedAgentsCustomToolInputSchemaParam, error) {
	out := anthropic.BetaManagedAgentsCustomToolInputSchemaParam{Required: s.Required, ExtraFields: s.ExtraFields}
	raw, err := json.Marshal(s.Properties)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(raw, &out.Properties)
}

// ToolsFunc is for the option of that name of environments.EnvironmentWorker. For
// every session open opens a backend, which is closed at the end of the session if
// it is an [io.Closer]; o may be nil. What open is given names the directory of
// the worker, which all its sessions have in common.
//
// Where open fails every call of a tool fails, and the model is told only that
// there is no workspace; open itself should report why.
func ToolsFunc(open func(env *agenttoolset.AgentToolContext) (hutch.Backend, error), o *tool.Options) func(*agenttoolset.AgentToolContext) []anthropic.BetaTool {
	return func(env *agenttoolset.AgentToolContext) []anthropic.BetaTool {
		b, err := open(env)
		if err != nil {
			return refusing()
		}
		tools := hutchtools.Tools(b, o)
		c, ok := b.(io.Closer)
		if !ok {
			return tools
		}
		if len(tools) == 0 {
			_ = c.Close() // nothing else will
			return nil
		}
		tools[0] = closing{tools[0], c}
		return tools
	}
}

// closing is a tool that the worker closes at the end of the session.
type closing struct {
	anthropic.BetaTool
	io.Closer
}

var errNoWorkspace = errors.New("there is no workspace for this session; no tool can be used")

// refusing are tools that answer, so that the session does not wait for them.
func refusing() []anthropic.BetaTool {
	var all []anthropic.BetaTool
	for _, name := range tool.Names() {
		t := tool.Tool{Name: name, Input: json.RawMessage(`{"type": "object"}`)}
		t.Call = func(context.Context, tool.Call) (tool.Result, error) { return tool.Result{}, errNoWorkspace }
		all = append(all, hutchtools.Wrap(t))
	}
	return all
}
