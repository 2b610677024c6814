// Posts the messages of a visit to the page that opened or frames it. The page names its origin.

const { messages, target } = document.body.dataset;
const receivers = [window.opener, window.parent].filter((receiver) => receiver && receiver !== window);

for (const message of JSON.parse(messages)) {
  for (const receiver of new Set(receivers)) receiver.postMessage(message, target);
}
