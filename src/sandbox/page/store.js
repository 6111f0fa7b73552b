// What the page knows, and how it asks the sandbox.
import { toast } from "./dom.js";

const query = new URLSearchParams(location.search);

export const store = {
  user: query.get("user") || "U01ALICE",
  hideTraffic: query.get("hide") === "traffic",
  app: { name: "", user: "", commands: [] },
  users: [],
  channels: [],
};

export const nameOf = (id) => {
  const user = store.users.find((u) => u.id === id);
  return user ? user.name : id;
};

export const channelName = (id) => {
  const channel = store.channels.find((c) => c.id === id);
  return channel ? channel.name : id;
};

export async function look(what, params = {}) {
  const answer = await fetch(`/sandbox/api/${what}?${new URLSearchParams(params)}`);
  return answer.json();
}

// Acts as the person at the screen; tells them where it did not work.
export async function act(what, body) {
  try {
    const answer = await fetch(`/sandbox/api/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: store.user, ...body }),
    });
    const result = await answer.json();
    if (!answer.ok) toast(result.error || "That did not work.");
    else if (result && result.attempts === 0) toast("No app is connected to this workspace.");
    else if (result && "status" in result && result.status !== 200) {
      toast(result.status ? `The app answered ${result.status}.` : "The app did not answer within 3 seconds.");
    }
    return answer.ok ? result : null;
  } catch {
    toast("The sandbox does not answer.");
    return null;
  }
}
