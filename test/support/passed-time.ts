/**
 * Gives what makes so many milliseconds pass by the monotonic clock at once, as after SIGSTOP and SIGCONT: the clock has gone
 * on, this process has not. To be called inside `describe`; each test begins and ends with the true time.
 */
export function usePassedTime(): (ms: number) => void {
  const now = performance.now.bind(performance);
  afterEach(() => {
    performance.now = now;
  });
  return (ms) => {
    performance.now = () => now() + ms;
  };
}
