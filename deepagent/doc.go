// Package deepagent is an agent that works in a workspace: made once of a model
// and options, run on any backend that is given at run time.
//
//	agent, err := deepagent.New(model, nil)
//	res, err := agent.Run(ctx, "Count the lines of all Go files.", &deepagent.Deps{Backend: b})
//
// It has the console toolset (commands only where the backend runs some), todos,
// sub-agents, skills and a memory in the workspace. What it does comes as events
// ([Agent.Stream]); it stays within budgets, keeps the conversation within the
// context of the model, and saves it after every step where there is a [Store].
//
// # Rights
//
// The agent can do what its backend lets it do: rules belong into package guard,
// limits into limit. A question of a rule reaches [Options.Approve] through [Ask].
// What the agent does on its own account, keeping output that is too large and
// the history of the conversation, nobody is asked for; where a rule denies it, it
// is not done and the text for the model says so.
//
// What is read from the workspace, context files, skills and memory, is shown to
// the model as what it is, content of the workspace. Whoever can write there can
// speak to the model; no text can widen what the backend lets it do.
package deepagent
